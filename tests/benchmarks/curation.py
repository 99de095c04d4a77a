"""A pool to about a thousand traces: time and memory beside plain loops, and how both grow with the pool."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.measuring import report
from tests.benchmarks.pool import EVERY_S, tree_mb
from workbench.pool import RICH
from workbench.pool.writing import usual_workers, write_pool
from workbench.records import write_records
from workbench.workflow import held_out_problems

SIZE = 1_000
SHARE = 0.1
GROWTH = (10_000, 30_000, 100_000, 300_000)


@dataclass(frozen=True)
class Run:
    """One command."""

    seconds: float
    rss_mb: float
    """Peak resident memory of the process and all its children; shared pages count for each of them."""


def timed(module: str, *arguments: str) -> Run:
    started, peak = time.monotonic(), 0.0
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    while process.poll() is None:
        peak = max(peak, tree_mb(process.pid))
        time.sleep(EVERY_S)
    assert process.returncode == 0, f"{module} ended with {process.returncode}"
    return Run(time.monotonic() - started, peak)


def made(folder: Path, rows: int, seed: int) -> tuple[str, str]:
    """Writes a rich pool with defects, and the held-out problems."""
    pool, problems = folder / f"pool-{rows}.parquet", folder / "held_out.jsonl"
    write_pool(pool, rows, seed, replace(RICH, defect_share=SHARE), workers=usual_workers(rows))
    write_records(problems, held_out_problems(seed))
    return str(pool), str(problems)


def curation(rows: int, seed: int, runs: int) -> None:
    """Both sides as whole commands, start-up included."""
    with tempfile.TemporaryDirectory() as name:
        pool, problems = made(Path(name), rows, seed)
        ours = [timed("tests.benchmarks.our_curation", pool, problems, f"{name}/out", str(SIZE)) for _ in range(runs)]
        theirs = timed("tests.benchmarks.plain_curation", pool, problems, f"{name}/plain.jsonl", str(SIZE))
    report(
        "curation",
        "the same steps with plain datasketch and Python loops",
        "rows/s",
        [rows / each.seconds for each in ours],
        [rows / theirs.seconds],
        rows=rows,
        seconds=[round(each.seconds, 1) for each in ours],
        their_seconds=round(theirs.seconds, 1),
        peak_rss_mb=round(max(each.rss_mb for each in ours)),
        their_peak_rss_mb=round(theirs.rss_mb),
    )


def curation_growth(rows: int, seed: int, runs: int) -> None:
    """Time and memory from 10,000 rows on; ``theirs`` is the rate at the smallest size."""
    taken: dict[int, Run] = {}
    with tempfile.TemporaryDirectory() as name:
        for count in (count for count in (*GROWTH, rows) if count <= max(rows, GROWTH[1])):
            pool, problems = made(Path(name), count, seed)
            taken[count] = timed("tests.benchmarks.our_curation", pool, problems, f"{name}/out", str(SIZE))
            Path(pool).unlink()
    few, many = min(taken), max(taken)
    exponent = math.log(taken[many].seconds / taken[few].seconds) / math.log(many / few)
    report(
        "curation_growth",
        f"the same for {few:,} rows",
        "rows/s",
        [many / taken[many].seconds],
        [few / taken[few].seconds],
        rows=sorted(taken),
        seconds=[round(taken[count].seconds, 1) for count in sorted(taken)],
        peak_rss_mb=[round(taken[count].rss_mb) for count in sorted(taken)],
        exponent=round(exponent, 3),
    )
