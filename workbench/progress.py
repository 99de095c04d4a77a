"""Progress on long work: one bar a stage, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Wraps an iterable, its length and a label, to show progress: `track` or `silent`."""


def track(items: Iterable[T], total: int | None = None, label: str = "") -> Iterable[T]:
    """Yields the items and shows how far they are, and how long the rest will take.

    Where standard error is no terminal (a log file, CI), a line is written every ten seconds at most.
    """
    notebook = _in_notebook()
    # A notebook that is exported keeps every state of the bar.
    interval = 0.2 if sys.stderr.isatty() else 2.0 if notebook else 10.0
    # Notebooks paint standard error as if something had gone wrong.
    stream = sys.stdout if notebook else sys.stderr
    bar: Iterable[T] = tqdm(items, total=total, desc=f"    {label}", mininterval=interval, file=stream)
    return bar


def _in_notebook() -> bool:
    """A kernel has exchanged the streams for its own."""
    return type(sys.stderr).__module__.partition(".")[0] in {"ipykernel", "google"}


def close_bars() -> None:
    """Ends the bars that an error left open, so that what is said next stands on a line of its own."""
    for bar in list(getattr(tqdm, "_instances", ())):
        bar.close()


def silent(items: Iterable[T], total: int | None = None, label: str = "") -> Iterable[T]:
    """Yields the items and shows nothing."""
    return items


def duration(seconds: float) -> str:
    """Returns a duration for people.

    >>> duration(8.4), duration(75), duration(7260)
    ('8 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
