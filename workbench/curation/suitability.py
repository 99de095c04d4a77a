"""How well rows suit the student that will learn from them: read by it in part, predicted for the rest (ours).

Shape suffixes: N rows, R rows that the student read, M measures, P predictors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Columns
from workbench.curation.difficulty import Floats, Ints, percentiles
from workbench.curation.quotas import even_parts
from workbench.curation.selection import seeded_order
from workbench.errors import InputError
from workbench.records import Trace

STUDENT_MEASURES = ("surprisal", "rank_surprisal", "local_surprisal", "pass_rate")
"""What a student says of a trace; NaN where it says nothing. See `workbench.students.surprisal`."""

ReadTraces = Callable[[Sequence[Trace]], Floats]
"""Takes traces and returns the `STUDENT_MEASURES` of each, [R, M]."""

BAND = (0.2, 0.7)
"""Shares of the survivors between which a surprisal is neither trivial nor alien."""
_SHRINK = 1.0
"""Ridge penalty: with one row a family is believed half, with nine to nine tenths."""
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class StudentScores:
    """What is known of every row from the student's side."""

    measures_NM: Floats
    """The `STUDENT_MEASURES`, read or predicted; NaN where neither was possible."""
    was_read: NDArray[np.bool_]
    fit: dict[str, float | None]
    """R² of the predictions on rows left out of the fit, by measure; ``None`` where nothing was predicted."""

    @property
    def pass_rate(self) -> Floats:
        """Of the rows that the student tried; NaN elsewhere: a prediction is not a trial."""
        rates: Floats = np.where(self.was_read, self.measures_NM[:, STUDENT_MEASURES.index("pass_rate")], np.nan)
        return rates

    def summary(self) -> dict[str, Any]:
        """Returns how much was read, and how well the rest could be predicted, for ``funnel.json``."""
        read = int(self.was_read.sum())
        return {"read": read, "predicted": len(self.was_read) - read, "out_of_fold_r2": dict(self.fit)}

    def suitability(self) -> Floats:
        """Returns how well each row suits, in [0, 1]: the mean of what is known, 0.5 where nothing is.

        Surprisal counts whole inside of `BAND` and falls to 0 at both ends: a band, not a maximum. A low
        rank-surprisal ratio is good (arXiv 2601.14249), and so is a low local surprisal (arXiv 2510.03988). A problem
        that is solved half of the time is worth most, one that is always or never solved nothing.
        """
        surprisal, ratio, local, rate = self.measures_NM.T
        parts_MN = np.stack([
            in_band(_known_percentiles(surprisal)), 1 - _known_percentiles(ratio), 1 - _known_percentiles(local),
            4 * rate * (1 - rate),
        ])  # fmt: skip
        known_MN = np.isfinite(parts_MN)
        total = np.where(known_MN, parts_MN, 0.0).sum(axis=0)
        count = known_MN.sum(axis=0)
        return np.where(count, total / np.maximum(count, 1), 0.5)


def in_band(shares: Floats, band: tuple[float, float] = BAND) -> Floats:
    """Returns 1 inside of a band of shares, falling in a straight line to 0 at 0 and at 1.

    >>> in_band(np.array([0.0, 0.1, 0.2, 0.5, 0.85, 1.0])).round(2).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    low, high = band
    worth: Floats = np.clip(np.minimum(shares / low, (1 - shares) / (1 - high)), 0.0, 1.0)
    return worth


def sample_rows(rows: Columns, bands: Ints, size: int, seed: int) -> Ints:
    """Returns places for the student to read, spread evenly over sources and difficulty bands, sorted."""
    order = seeded_order(rows, seed)
    strata = rows.source.codes[order].astype(np.int64) * (bands.max(initial=0) + 1) + bands[order]
    names, counts = np.unique(strata, return_counts=True)
    parts = even_parts(dict(zip(map(str, names), counts.tolist(), strict=True)), size, seed)
    taken = [order[strata == name][: parts[str(name)]] for name in names]
    return np.sort(np.concatenate(taken))


def predicted(rows: Columns, difficulty: Floats, places: Ints, measures_RM: Floats, seed: int) -> StudentScores:
    """Fills in what the student did not read, from family and difficulty.

    For each measure a ridge regression on difficulty and length, with an intercept and slopes of each source's
    own that are drawn towards those of all sources; values stay within what was read.

    Args:
        rows: the survivors.
        difficulty: of them.
        places: of the rows that were read.
        measures_RM: the `STUDENT_MEASURES` of those.
        seed: of the folds that measure the fit.

    Raises:
        InputError: where the measures have another shape.
    """
    if measures_RM.shape != (len(places), len(STUDENT_MEASURES)):
        wanted = (len(places), len(STUDENT_MEASURES))
        raise InputError(f"the student's measures have shape {measures_RM.shape}; they must have {wanted}")
    whole_NM = np.full((len(rows), len(STUDENT_MEASURES)), np.nan)
    whole_NM[places] = measures_RM
    was_read = np.zeros(len(rows), dtype=np.bool_)
    was_read[places] = True
    fit: dict[str, float | None] = dict.fromkeys(STUDENT_MEASURES)
    predictors_NP, penalty_P = _predictors(rows, difficulty)
    folds_N = np.empty(len(rows), dtype=np.int64)
    folds_N[seeded_order(rows, seed)] = np.arange(len(rows)) % _FOLDS
    for column, name in enumerate(STUDENT_MEASURES):
        known = places[np.isfinite(measures_RM[:, column])]
        if len(known) < 2 * _FOLDS or len(known) == len(rows):
            continue
        values = whole_NM[known, column].copy()
        fit[name] = _out_of_fold(predictors_NP[known], values, penalty_P, folds_N[known])
        guess = predictors_NP @ _ridge(predictors_NP[known], values, penalty_P)
        unread = np.setdiff1d(np.arange(len(rows)), known)
        whole_NM[unread, column] = np.clip(guess[unread], values.min(), values.max())
    return StudentScores(np.round(whole_NM, 6), was_read, fit)


def _predictors(rows: Columns, difficulty: Floats) -> tuple[Floats, Floats]:
    """Intercept, difficulty and log length, of all sources and of each; the penalty of each column."""
    length = np.log(np.maximum(rows.length, 1).astype(np.float64))
    length = (length - length.mean()) / max(float(length.std()), 1e-9)
    shared_N3 = np.stack([np.ones(len(rows)), difficulty, length], axis=1)
    own_NS = rows.source.codes[:, None] == np.unique(rows.source.codes)
    own_NP = (own_NS[:, :, None] * shared_N3[:, None, :]).reshape(len(rows), -1)
    return np.concatenate([shared_N3, own_NP], axis=1), np.array([1e-6, 1e-3, 1e-3] + [_SHRINK] * own_NP.shape[1])


def _ridge(predictors_RP: Floats, values: Floats, penalty_P: Floats) -> Floats:
    gram = predictors_RP.T @ predictors_RP + np.diag(penalty_P)
    solved: Floats = np.linalg.solve(gram, predictors_RP.T @ values).astype(np.float64)
    return solved


def _out_of_fold(predictors_RP: Floats, values: Floats, penalty_P: Floats, folds: Ints) -> float | None:
    """R² of predictions for rows that their fit did not see; ``None`` where the values do not vary."""
    guess = np.zeros(len(values))
    for fold in range(_FOLDS):
        out = folds == fold
        if out.any() and not out.all():
            guess[out] = predictors_RP[out] @ _ridge(predictors_RP[~out], values[~out], penalty_P)
    spread = float(((values - values.mean()) ** 2).sum())
    return round(1 - float(((values - guess) ** 2).sum()) / spread, 4) if spread > 1e-12 else None


def _known_percentiles(values: Floats) -> Floats:
    known = np.isfinite(values)
    shares = np.full(len(values), np.nan)
    if known.any():
        shares[known] = percentiles(values[known])
    return shares
