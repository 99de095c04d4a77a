"""What curation finds of defects that it does not know of, and what it takes for one without cause.

The pool is drawn with a seed on which nothing was chosen: thresholds were set on pools of seeds 5 and 11.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.benchmarks.measuring import OUT
from workbench.curation import CurationConfig, curate
from workbench.files import write_text
from workbench.grading import grade_answer
from workbench.pool import RICH
from workbench.pool.writing import labels_path, read_labels, usual_workers, write_pool
from workbench.workflow import held_out_problems, sentence_embedder

SHARE = 0.1
SEMANTIC_COPY = "semantic copy of a held-out question"
REASONS = {
    "wrong answer": {"wrong answer"},
    "cut off": {"unfinished", "no answer", "missing section"},
    "looping": {"repetition loop"},
    "control token": {"control token"},
    "exact duplicate": {"duplicate question"},
    "near duplicate": {"near duplicate", "semantic duplicate"},
    "held-out paraphrase": {"held-out overlap", "held-out 13-gram", "held-out paraphrase", SEMANTIC_COPY},
}
EQUAL = {"duplicate question", "held-out question"}
"""Reasons that hold by definition: the two questions have the same words."""


def defects(rows: int, seed: int, runs: int) -> None:
    """Recall and precision for every kind of planted defect, as ``runs/bench/defects.json``."""
    with tempfile.TemporaryDirectory() as name:
        pool, workers = Path(name) / "pool.parquet", usual_workers(rows)
        write_pool(pool, rows, seed, replace(RICH, defect_share=SHARE), workers=workers)
        report = curate(
            pool, Path(name) / "out", CurationConfig(size=1_000, max_tokens=4_096), workers=workers,
            held_out=held_out_problems(seed), grade_answer=grade_answer,
            embed=sentence_embedder("auto"),
        )  # fmt: skip
        dropped = [row for row in pq.read_table(report.dropped_path).to_pylist() if row["stage"] != "selection"]
        kinds = {label.id: label.kind for label in read_labels(labels_path(pool))}
    result: dict[str, Any] = {
        "name": "defects",
        "rows": rows,
        "seed": seed,
        "defect_share": SHARE,
        "kinds": table(kinds, dropped),
    }
    result["semantic"] = (report.semantic or {}) | by_meaning(kinds, dropped)
    write_text(OUT / "defects.json", json.dumps(result, indent=1))
    print(json.dumps(result, indent=1), flush=True)


def table(kinds: dict[str, str], dropped: Iterable[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns planted rows, recall and precision by kind.

    Recall counts planted rows that any stage but the selection dropped; precision the rows dropped for a kind's
    reasons that were planted as anything, or are right by definition. A sound row dropped in error counts against it.
    """
    gone, by_reason = set(), defaultdict(list)
    for row in dropped:
        gone.add(row["id"])
        by_reason[row["reason"]].append(row["id"])
    found = {}
    for kind, reasons in REASONS.items():
        planted = [name for name, planted_kind in kinds.items() if planted_kind == kind]
        taken = [(name, reason) for reason in sorted(reasons) for name in by_reason[reason]]
        right = Counter(name in kinds or reason in EQUAL for name, reason in taken)
        found[kind] = {
            "planted": len(planted),
            "recall": round(sum(name in gone for name in planted) / max(1, len(planted)), 4),
            "dropped": len(taken),
            "precision": round(right[True] / max(1, len(taken)), 4),
        }
    return found


def by_meaning(kinds: dict[str, str], dropped: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Returns what the semantic stage adds: planted copies that the stages before missed, and every pair it dropped.

    A pair that was not planted can be one question all the same: two templates of a family may ask alike. So the
    words are there to be read.
    """
    rows = list(dropped)
    before = {row["id"] for row in rows if row["stage"] != "semantic"}
    mine = [row for row in rows if row["stage"] == "semantic"]
    copies = {name for name, kind in kinds.items() if kind in ("near duplicate", "held-out paraphrase")}
    return {
        "missed_before": len(copies - before),
        "found": len(copies & {row["id"] for row in mine}),
        "dropped": len(mine),
        "pairs": [f"{row['matched']} | {row['matched_original']}" for row in mine],
    }
