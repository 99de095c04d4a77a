"""How long the sentence encoder takes for as many questions as a curation looks at, and again from its file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch

from tests.benchmarks.measuring import OUT
from workbench.curation.proposing import MOST
from workbench.curation.text import question_text
from workbench.files import write_text
from workbench.pool import RICH, embedded_pool
from workbench.students.embedding import KeptVectors, SentenceEmbedder, fetched_embedder


def embedding(seed: int) -> None:
    """Writes ``runs/bench/embedding.json``; the limit is 90 seconds on two cores that have nothing else to do."""
    questions = dict.fromkeys(question_text(trace.problem) for trace in embedded_pool(2 * MOST, seed, RICH))
    texts = list(islice(questions, MOST))
    with tempfile.TemporaryDirectory() as name:
        embed = KeptVectors(SentenceEmbedder(fetched_embedder()), Path(name) / "vectors.safetensors")
        first, processor = time.monotonic(), time.process_time()
        embed(texts)
        second, processor = time.monotonic(), time.process_time() - processor
        embed(texts)
        third = time.monotonic()
    result = {
        "name": "embedding", "texts": len(texts), "threads": torch.get_num_threads(), "load": os.getloadavg()[0],
        "seconds": round(second - first, 1), "processor_seconds": round(processor, 1),
        "from_file_seconds": round(third - second, 2),
    }  # fmt: skip
    write_text(OUT / "embedding.json", json.dumps(result, indent=1))
    print(json.dumps(result, indent=1), flush=True)
