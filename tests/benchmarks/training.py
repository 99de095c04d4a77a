"""Training steps through packed weights against the same steps through weights as they lie in the model."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from unittest.mock import patch

from tests.benchmarks.measuring import report
from workbench.distillation import DistillConfig, distill, trainer
from workbench.pool import PoolConfig, embedded_pool
from workbench.progress import silent
from workbench.students import PackedLinears, load_student

TRACES = 80
MEMORY = {"packed": None, "plain": 0}


def training(runs: int) -> None:
    """One epoch of 80 traces, alternately; the median step."""
    traces = list(embedded_pool(TRACES, seed=1, config=PoolConfig(families="core")))
    rates, losses = {name: list[float]() for name in MEMORY}, {}
    for _ in range(runs):
        for name, memory in MEMORY.items():
            made = _distilled(traces, memory)
            rates[name].append(1 / statistics.median(line["seconds"] for line in made))
            losses[name] = made[-1]["loss"]
    report("training", "the same steps, weights unpacked", "steps/s", rates["packed"], rates["plain"], loss=losses)


def _distilled(traces, memory: int | None) -> list[dict[str, float]]:
    def packed(model, *, gradients: bool) -> PackedLinears:
        return PackedLinears(model, gradients=gradients, memory=memory)

    with tempfile.TemporaryDirectory() as folder, patch.object(trainer, "PackedLinears", packed):
        config = DistillConfig(epochs=1)
        return distill(traces, load_student("smollm2-135m"), Path(folder) / "student", config, silent).metrics
