"""The pool as a file, and the labels of its planted defects beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from workbench.files import atomic_path, remove
from workbench.pool.config import PoolConfig
from workbench.pool.defects import Label
from workbench.pool.embedded import Row, labelled_pool
from workbench.records import Trace, write_records

Track = Callable[[Iterable[Trace], int | None, str], Iterable[Trace]]
"""Wraps a long loop in a progress bar."""
MOST_WORKERS = 8
SMALL = 5_000
"""Rows below which starting processes takes longer than it saves."""


def labels_path(pool: Path) -> Path:
    """Returns where the labels of a pool's planted defects go, beside it.

    >>> labels_path(Path("runs/pool.parquet")).as_posix()
    'runs/pool.labels.jsonl'
    """
    return pool.with_name(f"{pool.name.split('.')[0]}.labels.jsonl")


def usual_workers(size: int) -> int:
    """Returns how many processes suit a pool of ``size`` rows on this machine."""
    return 1 if size < SMALL else min(os.cpu_count() or 1, MOST_WORKERS)


def write_pool(
    out: Path, size: int, seed: int, config: PoolConfig, *, workers: int = 1, track: Track | None = None
) -> tuple[int, int]:
    """Writes the embedded pool, row by row; labels go to ``STEM.labels.jsonl``, which is removed where there are none.

    Args:
        out: ``.jsonl``, ``.jsonl.gz`` or ``.parquet``.
        size: rows.
        seed: other seeds give other problems.
        config: what the pool is made of.
        workers: processes; the files do not depend on it.
        track: shows progress.

    Returns:
        The number of traces and of planted defects.
    """
    labels = labels_path(out)
    if not config.defect_share:
        remove(labels)
    with ExitStack() as stack:
        log = _LabelLog(stack, labels) if config.defect_share else None
        traces = _logged(labelled_pool(size, seed, config, workers), log)
        written = write_records(out, track(traces, size, "pool") if track else traces)
    return written, log.count if log else 0


class _LabelLog:
    """A file of labels that appears when the pool is whole."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._stream = stack.enter_context(stack.enter_context(atomic_path(path)).open("wb"))
        self.count = 0

    def write(self, label: Label) -> None:
        self._stream.write(msgspec.json.encode(label) + b"\n")
        self.count += 1


def _logged(rows: Iterator[Row], log: _LabelLog | None) -> Iterator[Trace]:
    for trace, label in rows:
        if log and label:
            log.write(label)
        yield trace


def read_labels(path: Path) -> list[Label]:
    """Returns the labels beside a pool; for measuring curation, never for curating."""
    with open(path, "rb") as lines:
        return [msgspec.json.decode(line, type=Label) for line in lines]
