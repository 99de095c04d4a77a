"""Greedy choice of rows under quotas, fast enough to be done anew whenever a weight is moved.

Shape suffixes: N rows, S slots (features of a row), F features, Q quotas, K chosen rows, C criteria.

The objective of a set is a weighted sum of concave functions of how many of its rows have each feature,
and of scores that add up row by row: monotone and submodular. Quotas take turns, and each turn takes its
quota's row of the largest gain; whatever the turns, that reaches at least half of the best possible value
(the locally greedy algorithm of Fisher, Nemhauser and Wolsey 1978, for a partition matroid).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.curation.config import MOST_WEIGHT
from workbench.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Features = NDArray[np.int32]

UNIT = 10**8
"""Gains are whole multiples of 1e-8, so that their sums do not depend on the order of addition."""
_POOL = 384
"""Rows of a quota whose gains are brought up to date at every turn; the others wait behind a bound."""
_TAKEN = -(2**40)
"""Added to a row that was chosen: less than any gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What is counted and what is added, before any criterion is weighed.

    Feature 0 is an empty slot: it is worth nothing.
    """

    criteria: tuple[str, ...]
    """Names of the C criteria."""
    quota_N: Ints
    """The quota of each row, from 0 to Q - 1."""
    sizes_Q: Ints
    """Rows to choose from each quota, at most as many as it has."""
    slots_SN: Features
    """The features of each row, no feature twice."""
    criterion_F: Ints
    """The criterion that a feature belongs to, from 0 to C - 1."""
    share_F: Floats
    """What a feature's growth is multiplied with, beside its criterion's weight."""
    target_F: Ints
    """Rows beyond which a feature adds nothing, each before it adding 1; below 0: n rows are worth √n."""
    scores_CN: Floats
    """What each row adds to each criterion whatever else is chosen; 0 or more."""
    tie_N: Ints
    """Of equal gains the row with the smaller number is chosen; all differ."""

    def weights(self, named: Mapping[str, float]) -> Floats:
        """Returns weights by name as an array [C].

        Raises:
            InputError: where a name is not a criterion's or a weight cannot be meant; what is not named weighs 0.
        """
        for name, weight in named.items():
            if name not in self.criteria:
                raise InputError(f"no criterion {name!r} to weigh; there are {', '.join(self.criteria)}")
            if not 0 <= weight <= MOST_WEIGHT:
                raise InputError(f"the weight of {name} is {weight}; it must be from 0 to {MOST_WEIGHT:,}")
        return np.array([float(named.get(name, 0.0)) for name in self.criteria])


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen rows in the order of choice, and what each added by every criterion, weights included."""

    places_K: Ints
    gains_KC: Floats

    @property
    def value(self) -> float:
        """The objective of the whole selection."""
        return round(float(self.gains_KC.sum()), 6)


@dataclass(slots=True)
class _Quota:
    """One quota's rows: a small pool with exact gains, and upper bounds for the others."""

    bounds: Ints
    """Keys that no row exceeds, since gains only fall."""
    slack: int = 0
    """How far below the best key a row is still counted anew when the pool is filled."""
    pool: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    slots: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    floor: int = 2**62
    """The largest bound outside of the pool."""


class Selector:
    """Chooses rows for any weights; what does not depend on the weights is prepared once.

    The outcome is that of counting every row's gain at every turn. Stale gains are upper bounds (Minoux
    1978), so only rows whose bound could still win are counted.
    """

    def __init__(self, objective: Objective) -> None:
        """Sorts the rows by quota and, within it, by the order that settles ties."""
        self.objective = objective
        self._order = np.lexsort((objective.tie_N, objective.quota_N))
        counts = np.bincount(objective.quota_N, minlength=len(objective.sizes_Q))
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._slots_SN = np.ascontiguousarray(objective.slots_SN[:, self._order])
        self._scores_CN = np.ascontiguousarray(objective.scores_CN[:, self._order])
        self._bits = max(1, int(counts.max(initial=1)).bit_length())
        # The first row of a quota wins its ties: it has the largest number in the lowest bits.
        within = np.arange(len(self._order)) - np.repeat(self._starts[:-1], counts)
        self._first_N = (2**self._bits - 1) - within
        self._growth = np.diff(np.sqrt(np.arange(int(objective.sizes_Q.sum()) + 2)))
        self._turns = _turns(objective.sizes_Q)

    def reselect(self, weights: Mapping[str, float], step: Callable[[Ints], Iterable[int]] = iter) -> Selection:
        """Chooses anew.

        Args:
            weights: of the criteria by name; one that is not named weighs nothing.
            step: wraps the turns, to show progress.

        Returns:
            The chosen rows' places in the objective's order of rows, in the order of choice.
        """
        state = _State(self, self.objective.weights(weights))
        chosen = [state.take(int(quota)) for quota in step(self._turns)]
        rows = np.asarray(chosen, dtype=np.int64)
        return Selection(self._order[rows], state.gains(rows))

    def value(self, places: Iterable[int], weights: Mapping[str, float]) -> Selection:
        """Returns what any rows add in the order given, so that they can be compared with ours."""
        where = np.empty_like(self._order)
        where[self._order] = np.arange(len(where))
        state = _State(self, self.objective.weights(weights))
        given = np.asarray(list(places), dtype=np.int64)
        for row in where[given]:
            state.add(int(row))
        return Selection(given, state.gains(where[given]))


def _turns(sizes_Q: Ints) -> Ints:
    """Returns whose turn it is, such that after any number of turns all quotas are filled to a like share."""
    quotas = np.repeat(np.arange(len(sizes_Q)), sizes_Q)
    ordinal = np.arange(len(quotas)) - np.repeat(np.cumsum(sizes_Q) - sizes_Q, sizes_Q)
    return quotas[np.lexsort((quotas, (ordinal + 0.5) / sizes_Q[quotas]))]


class _State:
    """Counts over the rows chosen so far, for one choice of weights; rows are in the selector's order."""

    def __init__(self, selector: Selector, weights_C: Floats) -> None:
        self._of, objective = selector, selector.objective
        self._scale_F = UNIT * weights_C[objective.criterion_F] * objective.share_F
        self._scale_F[0] = 0.0
        self._counts_F = np.zeros(len(self._scale_F), dtype=np.int64)
        self._worth_F = self._worths(np.arange(len(self._scale_F)))
        self._scores_CN = np.rint(UNIT * weights_C[:, None] * selector._scores_CN).astype(np.int64)
        self._fixed_N = self._scores_CN.sum(axis=0)
        self._added: list[Ints] = []
        spread = int(UNIT * max(float(weights_C.max(initial=0.0)), 1e-6) / 16) << selector._bits
        every = self._keys(np.arange(len(selector._order)))
        starts = selector._starts
        self._quotas = [_Quota(every[start:stop], spread) for start, stop in pairwise(starts)]

    def take(self, number: int) -> int:
        """Chooses the quota's best row, and counts it."""
        quota, start = self._quotas[number], int(self._of._starts[number])
        keys = self._keys(quota.pool + start, quota.slots)
        best = int(keys.argmax()) if len(keys) else -1
        while best < 0 or keys[best] < quota.floor:
            keys = self._fill(quota, start, keys)
            best = int(keys.argmax())
        row = start + int(quota.pool[best])
        self.add(row)
        return row

    def add(self, row: int) -> None:
        """Counts a row, and remembers what its features were worth."""
        slots_S = self._of._slots_SN[:, row]
        self._added.append(self._worth_F[slots_S])
        self._counts_F[slots_S] += 1
        self._worth_F[slots_S] = self._worths(slots_S)
        self._fixed_N[row] += _TAKEN

    def gains(self, rows_K: Ints) -> Floats:
        """Returns what the rows added [K, C], given in the order in which they were added."""
        objective = self._of.objective
        gains_KC = self._scores_CN[:, rows_K].T.copy()
        if self._added:
            criterion_KS = objective.criterion_F[self._of._slots_SN[:, rows_K].T]
            place_KS = np.broadcast_to(np.arange(len(rows_K))[:, None], criterion_KS.shape)
            np.add.at(gains_KC, (place_KS, criterion_KS), np.stack(self._added))
        return gains_KC / UNIT

    def _worths(self, features: NDArray[np.integer]) -> Ints:
        """What one more row with a feature would add, for each of the features."""
        count, target = self._counts_F[features], self._of.objective.target_F[features]
        growth = np.where(target < 0, self._of._growth[np.minimum(count, len(self._of._growth) - 1)], count < target)
        worth: Ints = np.rint(self._scale_F[features] * growth).astype(np.int64)
        return worth

    def _keys(self, rows: Ints, slots: Ints | None = None) -> Ints:
        """Gains with the order of ties in their lowest bits: no two rows of a quota are equal."""
        if not len(rows):
            return np.zeros(0, dtype=np.int64)
        known = self._of._slots_SN[:, rows] if slots is None else slots
        gains: Ints = self._worth_F.take(known, mode="clip").sum(axis=0) + self._fixed_N[rows]
        keys: Ints = (gains << self._of._bits) + self._of._first_N[rows]
        return keys

    def _fill(self, quota: _Quota, start: int, keys: Ints) -> Ints:
        """Counts all rows that could win now, and puts the best into the pool; returns the pool's keys."""
        quota.bounds[quota.pool] = keys
        best = int(keys.max()) if len(keys) else int(quota.bounds.max())
        rivals = np.flatnonzero(quota.bounds >= best - quota.slack)
        if len(rivals) > 4 * _POOL:
            quota.slack = quota.slack // 2 + 1
        elif len(rivals) < _POOL:
            quota.slack *= 2
        quota.bounds[rivals] = self._keys(rivals + start)
        if len(rivals) > _POOL:
            rivals = rivals[np.argpartition(-quota.bounds[rivals], _POOL)[:_POOL]]
        keys = quota.bounds[rivals].copy()
        quota.pool, quota.slots = rivals, self._of._slots_SN[:, rivals + start].astype(np.int64)
        quota.bounds[rivals] = -(2**62)
        quota.floor = int(quota.bounds.max())
        return keys
