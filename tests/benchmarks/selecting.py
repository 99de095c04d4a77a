"""Choosing anew with other weights, as a slider in a notebook does, from all rows of a pool."""

from __future__ import annotations

import statistics
import time
from functools import partial

import numpy as np

from tests.benchmarks.measuring import report, seconds
from workbench.curation import CRITERIA, CurationConfig, selector
from workbench.curation.columns import Columns
from workbench.curation.describe import describe
from workbench.curation.scores import score
from workbench.curation.selection import select
from workbench.curation.text import question_words
from workbench.pool import PoolConfig, embedded_pool

LIMIT_S = 0.2
"""What still feels like a live slider."""
WEIGHTINGS = 20


def reselect(rows: int, seed: int) -> None:
    """Random weights over scored rows; ``theirs`` is the same choice prepared from the start each time."""
    pool = embedded_pool(rows, seed, PoolConfig(ladder="wide", long_share=0.2, wordings=24, slip_share=0.25))
    columns = Columns.of([describe(trace, question_words(trace.problem), True) for trace in pool])
    rng = np.random.default_rng(seed)
    scores, config = score(columns, suitability=rng.random(len(columns))), CurationConfig(seed=seed)
    live = selector(columns, scores, config)
    weightings = [
        dict(zip(CRITERIA, np.where(rng.random(5) < 0.2, 0.0, 2 * rng.random(5)), strict=True))
        for _ in range(WEIGHTINGS)
    ]
    times, busy = [], []
    for weights in weightings:
        before = time.process_time()
        times.append(seconds(partial(live.reselect, weights)))
        busy.append(time.process_time() - before)
    settings = {f"{name}_weight": weight for name, weight in weightings[-1].items()}
    last = CurationConfig(seed=seed, **settings)  # type: ignore[arg-type]
    whole: list[list[int]] = []
    full = seconds(lambda: whole.append([choice.place for choice in select(columns, scores, last)]))
    report(
        "reselect",
        "selecting from scores anew",
        "selections/s",
        [1 / each for each in times],
        [1 / full],
        rows=len(columns),
        size=config.size,
        median_ms=round(1e3 * statistics.median(times)),
        slowest_ms=round(1e3 * max(times)),
        median_processor_ms=round(1e3 * statistics.median(busy)),
        within_limit=statistics.median(times) <= LIMIT_S,
        same_selection=whole[0] == live.reselect(weightings[-1]).places_K.tolist(),
    )
