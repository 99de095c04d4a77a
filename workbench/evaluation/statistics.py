"""How sure a comparison is: intervals, the exact paired test, and a verdict that may be "cannot tell"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from workbench.errors import InputError

Answer = Literal["better", "worse", "cannot tell"]

LEVEL = 0.95
"""The confidence of every interval here."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fraction with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int
    """Problems it rests on; with 0 the value is 0 and the interval is everything."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more of the same problems the student answers than its base: a difference of fractions."""

    value: float
    low: float
    high: float
    p_value: float
    """Exact McNemar, two-sided."""
    rescued: int
    """Problems only the student answers."""
    broken: int
    """Problems only the base answers."""
    n: int


def accuracy(correct: Sequence[bool]) -> Estimate:
    """Returns the fraction of right answers with its Wilson interval (Wilson, 1927).

    >>> estimate = accuracy([True] * 8 + [False] * 2)
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (0.8, 0.49, 0.943)
    """
    n, right = len(correct), sum(map(bool, correct))
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    interval = binomtest(right, n).proportion_ci(LEVEL, method="wilson")
    value = right / n
    return Estimate(value, min(float(interval.low), value), max(float(interval.high), value), n)


def paired_gain(
    base: Sequence[bool],
    student: Sequence[bool],
    *,
    strata: Sequence[str] | None = None,
    seed: int,
    resamples: int = 10_000,
) -> Gain:
    """Returns the student's gain over its base on the same problems, in the same order.

    The interval is a percentile bootstrap of the pairs within each stratum. A stratum of n pairs is
    resampled n - 1 at a time (Rao and Wu, 1988), without which small strata look too certain; strata
    of a single pair are pooled. Where no resample differs, the exact bound on how often an unseen kind
    of pair could occur takes its place, so that "nothing changed in 20 problems" is not certainty.

    Args:
        base: whether the base answered each problem.
        student: whether the student did.
        strata: each problem's family; ``None`` for a single stratum.
        seed: of the resampling; the order of the strata does not matter.
        resamples: how many differences are drawn.

    Raises:
        InputError: where the sequences differ in length, or ``resamples`` is below 100.
    """
    n = len(base)
    if len(student) != n or (strata is not None and len(strata) != n):
        raise InputError(f"{n} base and {len(student)} student results are no pairs; give one of each per problem")
    if resamples < 100:
        raise InputError(f"resamples={resamples} is too few for an interval; use at least 100")
    if n == 0:
        return Gain(0.0, -1.0, 1.0, 1.0, 0, 0, 0)
    differences = np.asarray(student, dtype=bool).astype(np.int64) - np.asarray(base, dtype=bool)
    rescued, broken = int((differences == 1).sum()), int((differences == -1).sum())
    value = (rescued - broken) / n
    low, high = _interval(_resampled(differences, strata, seed, resamples), value, n)
    return Gain(value, low, high, mcnemar(rescued, broken), rescued, broken, n)


def _resampled(
    differences: NDArray[np.int64], strata: Sequence[str] | None, seed: int, resamples: int
) -> NDArray[np.float64]:
    """Half is drawn as base against student, half the other way round: swapping the arms flips the signs exactly."""
    half = (resamples + 1) // 2
    members = _members(len(differences), strata)
    forward, backward = (_mean_differences(sign * differences, members, seed, half) for sign in (1, -1))
    return np.concatenate([forward, -backward])


def _mean_differences(
    differences: NDArray[np.int64], members: Sequence[NDArray[np.int64]], seed: int, resamples: int
) -> NDArray[np.float64]:
    """Within a stratum only the counts of -1, 0 and 1 matter, and those are multinomial."""
    generator = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for stratum in members:
        size = len(stratum)
        shares = np.bincount(differences[stratum] + 1, minlength=3) / size
        draws = max(size - 1, 1)
        counts = generator.multinomial(draws, shares, size=resamples)
        total += (counts[:, 2] - counts[:, 0]) * (size / draws)
    return total / len(differences)


def _members(n: int, strata: Sequence[str] | None) -> list[NDArray[np.int64]]:
    if strata is None:
        return [np.arange(n)]
    names, codes, sizes = np.unique(np.asarray(strata, dtype=str), return_inverse=True, return_counts=True)
    codes = np.where(sizes[codes] == 1, len(names), codes)
    return [np.flatnonzero(codes == code) for code in np.unique(codes)]


def _interval(means: NDArray[np.float64], value: float, n: int) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = (float(bound) for bound in np.quantile(means, [tail, 1 - tail]))
    if np.ptp(means) < 1e-12:
        unseen = (1 - tail ** (1 / n)) * (1 + abs(value))
        low, high = value - unseen, value + unseen
    return max(min(low, value), -1.0), min(max(high, value), 1.0)


def mcnemar(rescued: int, broken: int) -> float:
    """Returns the exact two-sided p-value of McNemar's test: are flips as likely either way?

    >>> mcnemar(6, 0)
    0.03125
    """
    return float(binomtest(rescued, rescued + broken).pvalue) if rescued + broken else 1.0


def gap_closed(base: float, student: float, teacher: float) -> float | None:
    """Returns how much of the way from base to teacher the student went; may be negative or above 1.

    ``None`` where the teacher is no better than the base: there is no gap to close.

    >>> gap_closed(0.25, 0.5, 1.0)
    0.3333333333333333
    """
    return (student - base) / (teacher - base) if teacher > base else None


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Returns the p-values adjusted for how many there are, in the same order (Holm, 1979).

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)

    Raises:
        InputError: where a value is not between 0 and 1.
    """
    values = np.asarray(p_values, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"p-values lie between 0 and 1; got {list(p_values)}")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(values) else steps
    return tuple(adjusted.tolist())


def verdict(gain: Gain, p_value: float | None = None) -> Answer:
    """Says in plain words what a gain shows; interval and test must agree, or else it is "cannot tell".

    Args:
        gain: the comparison.
        p_value: replaces the gain's own, where it was adjusted for several comparisons (`holm`).

    >>> verdict(Gain(0.1, -0.02, 0.22, 0.15, 12, 6, 60))
    'cannot tell'
    """
    if (gain.p_value if p_value is None else p_value) >= 1 - LEVEL - 1e-12:
        return "cannot tell"
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "cannot tell"
