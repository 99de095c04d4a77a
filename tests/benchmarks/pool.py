"""`workbench pool` as a user runs it: rows a second, peak memory of all its processes, and whether it grows."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.measuring import report
from workbench.files import file_hash

RICH = ("--ladder", "wide", "--long-share", "0.4", "--wordings", "24", "--slip-share", "0.25", "--defect-share", "0.1")
MILLION = 1_000_000
EVERY_S = 0.25


@dataclass(frozen=True)
class Run:
    """One run of the verb."""

    rows: int
    seconds: float
    """Wall time, starting of Python included."""
    rss_mb: tuple[float, ...]
    """Resident memory of the process and all its children, every quarter of a second."""
    sha256: str

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def growth(self) -> float:
        """Memory in the last tenth of the run over that in its second tenth, when all processes are up."""
        tenth = max(1, len(self.rss_mb) // 10)
        return statistics.median(self.rss_mb[-tenth:]) / statistics.median(self.rss_mb[tenth : 2 * tenth])


def run(rows: int, seed: int, *options: str) -> Run:
    """Runs the verb in a fresh process, into Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pool.parquet"
        command = [sys.executable, "-m", "workbench", "pool", "--out", str(out), "--size", str(rows)]
        started = time.monotonic()
        with open(Path(folder) / "errors", "wb") as errors:
            process = subprocess.Popen([*command, "--seed", str(seed), *options], stderr=errors)
        rss = []
        while process.poll() is None:
            rss.append(tree_mb(process.pid))
            time.sleep(EVERY_S)
        seconds = time.monotonic() - started
        said = (Path(folder) / "errors").read_text(errors="replace")[-2_000:]
        assert process.returncode == 0, f"{command} ended with {process.returncode}: {said}"
        return Run(rows, seconds, tuple(rss), file_hash(out))


def tree_mb(pid: int) -> float:
    """Resident memory of a process and its descendants; shared pages count for each of them."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for each in (parent, *parent.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


def pool(rows: int, seed: int, runs: int) -> None:
    """The default pool in as many processes as suit against one; and the rich pool with defects."""
    alone = run(rows, seed, "--workers", "1")
    ours = [run(rows, seed) for _ in range(runs)]
    rich = run(rows, seed, *RICH)
    report(
        "pool",
        "the same pool from one process",
        "rows/s",
        [each.rate for each in ours],
        [alone.rate],
        same_output=all(each.sha256 == alone.sha256 for each in ours),
        rows=rows,
        seconds=[round(each.seconds, 1) for each in ours],
        peak_rss_mb=round(max(max(each.rss_mb) for each in ours)),
        rich={"rows/s": round(rich.rate), "seconds": round(rich.seconds, 1), "peak_rss_mb": round(max(rich.rss_mb))},
    )


def pool_million(rows: int, seed: int, runs: int) -> None:
    """A million rows to Parquet; ``theirs`` is the same verb at the usual size."""
    few, many = run(rows, seed), run(MILLION, seed)
    report(
        "pool_million",
        f"the same verb for {rows:,} rows",
        "rows/s",
        [many.rate],
        [few.rate],
        rows=MILLION,
        seconds=round(many.seconds, 1),
        peak_rss_mb=round(max(many.rss_mb)),
        peak_rss_mb_of_few=round(max(few.rss_mb)),
        growth=round(many.growth, 3),
    )
