"""Of rows that ask the same, one stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Columns
from workbench.curation.verdicts import Verdicts

Ints = NDArray[np.int64]


def drop_equal(rows: Columns, verdicts: Verdicts) -> None:
    """Of equal questions the verified, checked, shortest trace stays, then the plainest question."""
    order = np.lexsort((*worth(rows), rows.question_hash[:, 1], rows.question_hash[:, 0]))
    hashes = rows.question_hash[order]
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (hashes[1:] != hashes[:-1]).any(axis=1)
    best = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
    worse = ~is_first
    verdicts.drop_all(rows.index[order[worse]], "duplicates", "duplicate question", rows.index[best[worse]])


def ranks(rows: Columns) -> Ints:
    """Returns each row's rank by `worth`, 0 for the best."""
    rank = np.empty(len(rows), dtype=np.int64)
    rank[np.lexsort(worth(rows))] = np.arange(len(rows))
    return rank


def drop_worse(rank: Ints, alike: Iterable[tuple[int, int, float]], drop: Callable[[int, int, float], None]) -> None:
    """Of rows that are alike, lets all go that are like a better one which stays.

    Args:
        rank: of the rows, from `ranks`.
        alike: pairs of places, and how alike they are.
        drop: called with the worse row, the better one and that number.
    """
    found: dict[int, list[tuple[int, float]]] = {}
    for left, right, share in alike:
        better, worse = (left, right) if rank[left] < rank[right] else (right, left)
        found.setdefault(better, []).append((worse, share))
    gone: set[int] = set()
    for better in sorted(found, key=lambda place: int(rank[place])):
        for worse, share in found[better] if better not in gone else ():
            if worse not in gone:
                gone.add(worse)
                drop(worse, better, share)


def worth(rows: Columns) -> tuple[NDArray[np.generic], ...]:
    """Returns the keys by which `numpy.lexsort` puts the better of two rows first, the least one at the front."""
    return (
        rows.index, rows.content_hash[:, 1], rows.content_hash[:, 0], rows.question_length, rows.length,
        ~rows.has_check, ~rows.is_verified,
    )  # fmt: skip
