"""How hard a row is among its kind, from its structure alone (ours).

A level that the source states counts double; beside it stand the number of steps, the digits of the
largest number, the count of numbers and the question's length. All are standardised within the source,
so that a hard row of an easy family is still a hard row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Category, Columns
from workbench.curation.config import BANDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WEIGHTS = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
_DIGITS = 6


def difficulty(rows: Columns) -> tuple[Floats, Ints]:
    """Returns each row's score (mean 0 within its source) and its band, an index into ``BANDS``.

    Bands are the thirds of the source's own ranking; rows of equal score share a band.
    """
    scores, bands = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    for places in groups(rows.source):
        scores[places] = _standardised(rows.structure[places].astype(np.float64))
        shares = percentiles(scores[places])
        bands[places] = np.minimum((shares * len(BANDS)).astype(np.int64), len(BANDS) - 1)
    return scores, bands


def groups(column: Category) -> list[Ints]:
    """Returns the places of each name's rows, in the rows' order.

    >>> [places.tolist() for places in groups(Category.of(["b", "a", "b"]))]
    [[0, 2], [1]]
    """
    order = np.argsort(column.codes, kind="stable")
    starts = np.flatnonzero(np.diff(column.codes[order])) + 1
    return [part for part in np.split(order, starts) if len(part)]


def percentiles(values: Floats) -> Floats:
    """Returns each value's rank as a share in (0, 1); equal values share the middle of their ranks.

    >>> percentiles(np.array([5.0, 1.0, 5.0, 9.0])).tolist()
    [0.5, 0.125, 0.5, 0.875]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = (np.cumsum(counts) - counts / 2) / len(values)
    shares: Floats = middle[inverse]
    return shares


def _standardised(structure: Floats) -> Floats:
    """Logarithms tame the long tails; a measure that never varies in the source says nothing."""
    known = ~np.isnan(structure)
    values = np.log1p(np.maximum(np.where(known, structure, 0.0), 0.0))
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    centred = np.where(known, values - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / count)
    varies = deviation > 1e-9
    z = centred / np.where(varies, deviation, 1.0)
    weights = _WEIGHTS * varies
    score: Floats = np.round((z * weights).sum(axis=1) / max(weights.sum(), 1.0), _DIGITS)
    return score
