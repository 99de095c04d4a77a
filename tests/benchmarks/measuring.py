"""How a figure is taken and written down: both sides in one run, ratios with their spread."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from workbench.files import write_text
from workbench.students import PackedLinears

OUT = Path("runs/bench")


def seconds(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def machine_limit() -> float:
    """The most fp32 FLOP/s that a matrix product reaches here, plain or packed."""
    layer = torch.nn.Linear(1024, 1024, bias=False).requires_grad_(False)
    inputs, rates = torch.randn(512, 1024), []
    for context in (nullcontext(), PackedLinears(layer)):
        with torch.no_grad(), context:
            took = min(seconds(lambda: [layer(inputs) for _ in range(20)]) for _ in range(20))
        rates.append(20 * 2 * 512 * 1024 * 1024 / took)
    return max(rates)


def report(
    name: str, against: str, unit: str, ours: Sequence[float], theirs: Sequence[float], **more: Any
) -> dict[str, Any]:
    """Writes ``runs/bench/NAME.json`` and prints it.

    Args:
        name: of the benchmark.
        against: what a user would pick instead.
        unit: of both sides; more is better.
        ours: one figure per run.
        theirs: likewise; the last one stands for all further runs of ours, where theirs takes long.
        more: further fields.
    """
    theirs = [*theirs, *theirs[-1:] * (len(ours) - len(theirs))]
    ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
    result = {
        "name": name,
        "against": against,
        "ours": round(statistics.median(ours), 3),
        "theirs": round(statistics.median(theirs), 3),
        "unit": unit,
        "ratio": round(statistics.median(ratios), 2),
        "runs": len(ours),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        **more,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
    }
    write_text(OUT / f"{name}.json", json.dumps(result, indent=1))
    print(json.dumps(result, indent=1), flush=True)
    return result
