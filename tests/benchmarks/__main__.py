"""`make bench`: each figure beside what a user would pick instead, both sides in one run.

A ratio holds on a noisy machine, a time does not; nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from workbench.files import write_text
from workbench.inference import Engine, Request
from workbench.pool import embedded_problems
from workbench.students import Student, load_student
from workbench.students.attention import grouped_attention

OUT = Path("runs/bench")
RUNS = 5
ROWS, SPAN = 64, 256
PROBLEMS_PER_FAMILY, MAX_TOKENS, THEIR_BATCH = 6, 160, 64


def seconds(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def attention() -> dict[str, Any]:
    """One decoding step of one layer of SmolLM2-135M: 9 query heads over 3 key heads."""
    query, mask = torch.randn(ROWS, 9, 1, 64), torch.ones(ROWS, 1, 1, SPAN, dtype=torch.bool)
    key, value = torch.randn(2, ROWS, 3, SPAN, 64).unbind()
    module = torch.nn.Identity()

    def ours() -> None:
        for _ in range(30):
            grouped_attention(module, query, key, value, mask)

    def theirs() -> None:
        for _ in range(30):
            repeated = (tensor.repeat_interleave(3, dim=1) for tensor in (key, value))
            F.scaled_dot_product_attention(query, *repeated, attn_mask=mask)

    against = "keys and values repeated for each query head, as transformers does under a mask"
    pairs = [(1 / seconds(ours), 1 / seconds(theirs)) for _ in range(RUNS + 1)][1:]
    repeated = F.scaled_dot_product_attention(
        query, key.repeat_interleave(3, dim=1), value.repeat_interleave(3, dim=1), attn_mask=mask
    )
    grouped, _ = grouped_attention(module, query, key, value, mask)
    same = torch.allclose(grouped.transpose(1, 2), repeated, atol=1e-5)
    return report("attention", against, "passes of 30 layers/s", pairs, same_output=float(same))


def engine() -> dict[str, Any]:
    """Embedded problems with natural stops; static batches are sorted by length, in their favour."""
    student = load_student("smollm2-135m")
    problems = embedded_problems("dev", PROBLEMS_PER_FAMILY, seed=11)
    requests = [
        Request(problem_id=p.id, prompt_ids=tuple(student.prompter.question_ids(p.question)), max_tokens=MAX_TOKENS)
        for p in problems
    ]
    requests.sort(key=lambda request: -len(request.prompt_ids))
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}

    def run_engine() -> None:
        ours.update((c.problem_id, c.text) for c in Engine(student).run(requests))

    student.model.set_attn_implementation("sdpa")
    their_seconds = seconds(lambda: theirs.update(static_batches(student, requests)))
    student = load_student("smollm2-135m")
    our_seconds = [seconds(run_engine) for _ in range(3)]
    pairs = [(len(requests) / own, len(requests) / their_seconds) for own in our_seconds]
    same = sum(ours[name] == text for name, text in theirs.items()) / len(theirs)
    against = f"transformers generate, static batches of {THEIR_BATCH}, prompts sorted by length"
    return report("engine", against, "problems/s", pairs, same_output=same)


def static_batches(student: Student, requests: list[Request]) -> dict[str, str]:
    answers = {}
    for start in range(0, len(requests), THEIR_BATCH):
        group = requests[start : start + THEIR_BATCH]
        width = max(len(request.prompt_ids) for request in group)
        ids = torch.tensor([[0] * (width - len(r.prompt_ids)) + list(r.prompt_ids) for r in group])
        mask = torch.tensor([[0] * (width - len(r.prompt_ids)) + [1] * len(r.prompt_ids) for r in group])
        out = student.model.generate(ids, attention_mask=mask, max_new_tokens=MAX_TOKENS, do_sample=False)
        answers.update(
            {r.problem_id: student.prompter.decode(row[width:].tolist()) for r, row in zip(group, out, strict=True)}
        )
    return answers


def report(name: str, against: str, unit: str, pairs: list[tuple[float, float]], same_output: float) -> dict[str, Any]:
    ratios = [ours / theirs for ours, theirs in pairs]
    result = {
        "name": name,
        "against": against,
        "ours": round(statistics.median(ours for ours, _ in pairs), 3),
        "theirs": round(statistics.median(theirs for _, theirs in pairs), 3),
        "unit": unit,
        "ratio": round(statistics.median(ratios), 2),
        "runs": len(pairs),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "same_output": same_output,
        "machine": {"threads": torch.get_num_threads(), "torch": torch.__version__},
    }
    write_text(OUT / f"{name}.json", json.dumps(result, indent=1))
    print(json.dumps(result, indent=1), flush=True)
    return result


if __name__ == "__main__":
    attention()
    engine()
