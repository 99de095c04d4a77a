"""Groups of rows of like meaning, so that a selection can cover them all (ours).

A facility-location objective compares every row with every other; a concave function of how many rows of each
group were chosen rewards the same spread, and costs one more feature per row.

Shape suffixes: N rows, D dimensions, G groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.curation.difficulty import Ints
from workbench.errors import InputError

_ROUNDS = 20
_BLOCK = 4_096


def meaning_groups(vectors_ND: NDArray[np.floating], groups: int = 64, seed: int = 0) -> Ints:
    """Returns each row's group by spherical k-means: rows of a group point the same way.

    Args:
        vectors_ND: embeddings of any length; a row of zeros, or one that is no number, has no group.
        groups: at most; fewer where there are fewer different rows.
        seed: of the first centres, which are drawn far apart (k-means++, Arthur and Vassilvitskii 2007).

    Returns:
        Numbers from 0 to G - 1; -1 where a row has no group.

    Raises:
        InputError: where the vectors are no table, or no group is asked for.
    """
    if vectors_ND.ndim != 2 or groups < 1:
        raise InputError(f"groups={groups} of vectors of shape {vectors_ND.shape}: give a table, and at least 1 group")
    lengths_N = np.linalg.norm(vectors_ND, axis=1)
    known = np.flatnonzero(np.isfinite(lengths_N) & (lengths_N > 0))
    found = np.full(len(vectors_ND), -1, dtype=np.int64)
    if len(known):
        unit_ND = (vectors_ND[known] / lengths_N[known, None]).astype(np.float64)
        found[known] = _grouped(unit_ND, groups, np.random.default_rng(seed))
    return found


def _grouped(unit_ND: NDArray[np.float64], groups: int, rng: np.random.Generator) -> Ints:
    centres_GD = _far_apart(unit_ND, groups, rng)
    nearest_N = _nearest(unit_ND, centres_GD)
    for _ in range(_ROUNDS):
        sums_GD = np.zeros_like(centres_GD)
        np.add.at(sums_GD, nearest_N, unit_ND)
        lengths = np.linalg.norm(sums_GD, axis=1, keepdims=True)
        centres_GD = np.where(lengths > 0, sums_GD / np.maximum(lengths, 1e-12), centres_GD)
        before_N, nearest_N = nearest_N, _nearest(unit_ND, centres_GD)
        if np.array_equal(before_N, nearest_N):
            break
    return np.unique(nearest_N, return_inverse=True)[1].astype(np.int64)


def _far_apart(unit_ND: NDArray[np.float64], groups: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draws rows as first centres, each with a chance that grows with its distance from those before."""
    chosen = [int(rng.integers(len(unit_ND)))]
    distance_N = np.maximum(1 - unit_ND @ unit_ND[chosen[0]], 0.0)
    while len(chosen) < groups and distance_N.sum() > 1e-9:
        chosen.append(int(rng.choice(len(unit_ND), p=distance_N / distance_N.sum())))
        distance_N = np.minimum(distance_N, np.maximum(1 - unit_ND @ unit_ND[chosen[-1]], 0.0))
        distance_N[distance_N < 1e-9] = 0.0
    return unit_ND[chosen]


def _nearest(unit_ND: NDArray[np.float64], centres_GD: NDArray[np.float64]) -> Ints:
    blocks = range(0, len(unit_ND), _BLOCK)
    parts = [(unit_ND[start : start + _BLOCK] @ centres_GD.T).argmax(axis=1) for start in blocks]
    return np.concatenate(parts).astype(np.int64)
