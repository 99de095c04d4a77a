"""One step of the engine, by rows and tokens: weights as they lie in the model, packed, and in 8 bits."""

from __future__ import annotations

import statistics
from contextlib import AbstractContextManager, nullcontext

import torch

from tests.benchmarks.measuring import report, seconds
from workbench.inference.slots import Chunk, SlotCache, Step
from workbench.inference.support import decodable, feed
from workbench.students import PackedLinears, Student, load_student

RUNS, SPAN = 9, 240
SHAPES = ((1, 1), (1, 8), (1, 16), (4, 1), (4, 4), (16, 1), (64, 1), (96, 1))
"""Rows, and tokens of each: more than one are a guess that is confirmed."""


def step() -> None:
    """Milliseconds of a step for each shape; the ratio is that of a whole batch."""
    exact = load_student("smollm2-135m")
    fast = exact.quantized()
    packed = PackedLinears(exact.model)
    sides = {"plain": (exact, nullcontext()), "packed": (exact, packed), "int8": (fast, nullcontext())}
    times = {
        name: {f"{rows}x{tokens}": _times(*side, rows, tokens) for rows, tokens in SHAPES}
        for name, side in sides.items()
    }
    widest = f"{SHAPES[-1][0]}x{SHAPES[-1][1]}"
    report(
        "step",
        "the same step with weights as they lie in the model",
        "steps/s",
        [1 / took for took in times["packed"][widest]],
        [1 / took for took in times["plain"][widest]],
        milliseconds={
            name: {shape: round(1e3 * statistics.median(took), 1) for shape, took in by_shape.items()}
            for name, by_shape in times.items()
        },
    )


@torch.inference_mode()
def _times(student: Student, context: AbstractContextManager[object], rows: int, tokens: int) -> list[float]:
    cache = SlotCache(decodable(student.model, student.name).windows)
    cache.reserve(rows, SPAN + tokens)

    def once() -> None:
        chunks = [Chunk(slot, SPAN, SPAN + tokens) for slot in range(rows)]
        count = rows * tokens
        feed(student.model, [5] * count, Step(chunks, student.device), cache, list(range(count)))

    with context:
        once()
        return [seconds(once) for _ in range(RUNS)]
