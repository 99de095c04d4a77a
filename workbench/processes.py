"""Work in several processes, its results in order, memory bounded."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")

WAITING = 3
"""Pieces of work per process that are under way or waiting to be taken."""


def ordered_map(
    work: Callable[[A], B], items: Iterable[A], workers: int, start: Callable[..., None] | None = None, *args: Any
) -> Iterator[B]:
    """Yields ``work(item)`` for every item, in order; only a few are under way, so that memory does not grow.

    Args:
        work: a function of a module, as processes find it by name.
        items: taken one by one, as they are needed.
        workers: processes. Scripts that ask for them need the usual ``if __name__ == "__main__"``.
        start: runs once in each process before its first work.
        args: of ``start``.
    """
    # Spawned processes inherit no threads and no locks; forked ones may hang on those of a loaded library.
    executor = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (start, args))
    pending: deque[Future[B]] = deque()
    items = iter(items)
    try:
        while True:
            while len(pending) < WAITING * workers:
                item = next(items, _END)
                if item is _END:
                    break
                pending.append(executor.submit(work, item))  # type: ignore[arg-type]
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_END: Any = object()


def _begin(start: Callable[..., None] | None, args: tuple[Any, ...]) -> None:
    _depend_on_parent()
    if start:
        start(*args)


def _depend_on_parent() -> None:
    """Leaves Ctrl-C to the parent, and ends a worker whose parent was killed, which nothing else would do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent:
            parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
