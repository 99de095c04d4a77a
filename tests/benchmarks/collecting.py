"""How many traces a second a teacher is asked for, and how much memory that takes, beside a plain client."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import report
from workbench.records import Problem, write_records

CONCURRENCY, DELAY_S = 64, 0.2
TRACES, RUNS = 3_000, 3
FEW, MANY = 1_000, 100_000


def collect() -> None:
    """Both sides as whole commands, from a file of problems to a file of answers; start-up counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _server(DELAY_S) as url:
            pairs = [
                (TRACES / _ours(url, folder, TRACES)[0], TRACES / _theirs(url, folder, TRACES)[0]) for _ in range(RUNS)
            ]
        ours, theirs = zip(*pairs, strict=True)
        with _server(0.0) as url:
            few, many = (_ours(url, folder, count) for count in (FEW, MANY))
            plain = [_theirs(url, folder, count)[1] for count in (FEW, MANY // 10)]
    report(
        "collect",
        "the asynchronous OpenAI client and a semaphore, without ledger, cap, grading or retries",
        "traces/s",
        ours,
        theirs,
        server_ms=1_000 * DELAY_S,
        concurrency=CONCURRENCY,
        limit_fraction=round(sorted(ours)[RUNS // 2] * DELAY_S / CONCURRENCY, 2),
        problems=[FEW, MANY],
        memory_mb=[round(few[1]), round(many[1])],
        memory_growth_mb=round(many[1] - few[1], 1),
        their_problems=[FEW, MANY // 10],
        their_memory_mb=[round(size) for size in plain],
        traces_per_s_without_delay=round(MANY / many[0]),
    )


@contextmanager
def _server(delay_s: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.slow_server", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


def _ours(url: str, folder: Path, count: int) -> tuple[float, float]:
    out = folder / f"traces-{time.monotonic_ns()}.jsonl"
    command = ["workbench", "collect", "--problems", str(_problems(folder, count)), "--teacher", "openai:tiny",
               "--out", str(out), "--base-url", url, "--price-in", "1", "--price-out", "5", "--max-cost", "1000",
               "--max-tokens", "200", "--concurrency", str(CONCURRENCY)]  # fmt: skip
    return _measured(command, out, count)


def _theirs(url: str, folder: Path, count: int) -> tuple[float, float]:
    out = folder / f"replies-{time.monotonic_ns()}.jsonl"
    problems = str(_problems(folder, count))
    return _measured(["tests.benchmarks.plain_client", url, problems, str(out), str(CONCURRENCY)], out, count)


def _problems(folder: Path, count: int) -> Path:
    path = folder / f"problems-{count}.jsonl"
    if not path.exists():
        write_records(path, (Problem(id=f"p{i}", question=f"What is {i} + 7?", answer="7") for i in range(count)))
    return path


def _measured(module: list[str], out: Path, count: int) -> tuple[float, float]:
    """Runs a module and returns its seconds and its peak of memory in megabytes; all must be answered."""
    started, peak_kb = time.monotonic(), 0
    with subprocess.Popen(
        [sys.executable, "-m", *module], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        # Not `ru_maxrss`: it starts with the size of this process, which the other was forked from.
        while process.poll() is None:
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            time.sleep(0.05)
    seconds = time.monotonic() - started
    with out.open("rb") as stream:
        written = sum(1 for _ in stream)
    assert (process.returncode, written) == (0, count), f"{module[0]} ended after {written} of {count}"
    return seconds, peak_kb / 1024


def _peak_kb(process_id: int) -> int:
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) if "VmHWM:" in status else 0
