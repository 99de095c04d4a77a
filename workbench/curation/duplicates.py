"""Of rows that ask the same, one stays."""

from __future__ import annotations

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


def worth(rows: Columns) -> tuple[NDArray[np.generic], ...]:
    """Returns the keys by which `numpy.lexsort` puts the better of two rows first, the least one at the front."""
    return (
        rows.index, rows.content_hash[:, 1], rows.content_hash[:, 0], rows.question_length, rows.length,
        ~rows.has_check, ~rows.is_verified,
    )  # fmt: skip
