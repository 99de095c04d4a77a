"""What is known of every survivor before anything is chosen: difficulty, quality, suitability, length (ours)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Category, Columns
from workbench.curation.config import BANDS
from workbench.curation.difficulty import Floats, Ints, difficulty, groups, percentiles
from workbench.errors import InputError

_VERIFIED, _SOUND, _CHECKED, _CLEAR = 0.35, 0.25, 0.2, 0.2
"""What makes quality: they sum to 1."""
_LONG = 2.0
"""A long trace has this many times the characters of its source's lower quartile; most are short."""
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One entry per survivor, in the survivors' order.

    Raises:
        InputError: where a score is no number; a score that is not known has a value that says so.
    """

    difficulty: Floats
    """Mean 0 within the source."""
    band: Ints
    """An index into `workbench.curation.config.BANDS`."""
    quality: Floats
    """In [0, 1]: a verified answer, sound steps, a real check, and being concise."""
    is_long: NDArray[np.bool_]
    suitability: Floats
    """In [0, 1]; 0 for all where no student has read the rows. See `workbench.curation.suitability`."""
    pass_rate: Floats | None = None
    """The student's share of right answers to the row's problem; NaN where it did not try."""
    cluster: Ints | None = None
    """Groups of rows of like meaning, from 0; -1 where a row has none."""

    def __post_init__(self) -> None:
        for name in ("difficulty", "quality", "suitability"):
            unknown = np.flatnonzero(~np.isfinite(getattr(self, name)))
            if len(unknown):
                raise InputError(
                    f"{name} is no number for {len(unknown):,} of {len(self.band):,} rows, first at place "
                    f"{unknown[0]}; leave such rows out, or give them a neutral score"
                )

    def take(self, places: Ints) -> Self:
        """Returns the scores of the rows at these places, as they were among all."""
        taken: dict[str, Any] = {}
        for item in fields(self):
            values = getattr(self, item.name)
            taken[item.name] = None if values is None else values[places]
        return type(self)(**taken)


def score(
    rows: Columns, suitability: Floats | None = None, pass_rate: Floats | None = None, cluster: Ints | None = None
) -> Scores:
    """Returns the scores of every survivor.

    Args:
        rows: the survivors.
        suitability: in [0, 1], from `workbench.curation.suitability`, where a student has read them.
        pass_rate: see `Scores`.
        cluster: see `Scores`.
    """
    scores, bands = difficulty(rows)
    long = long_traces(rows.source, rows.length)
    known = _VERIFIED * rows.is_verified + _SOUND * rows.soundness + _CHECKED * rows.check
    quality = known + _CLEAR * _concise(rows, bands, long)
    fits = np.zeros(len(rows)) if suitability is None else suitability
    return Scores(
        difficulty=scores, band=bands, quality=np.round(quality, _DIGITS), is_long=long,
        suitability=np.round(fits, _DIGITS), pass_rate=pass_rate, cluster=cluster,
    )  # fmt: skip


def long_traces(source: Category, length: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Returns which traces are long for their source: at least twice its lower quartile.

    >>> long_traces(Category.of("aaaa"), np.array([10, 11, 12, 30], dtype=np.int32)).tolist()
    [False, False, False, True]
    """
    found = np.zeros(len(length), dtype=np.bool_)
    for places in groups(source):
        found[places] = length[places] >= _LONG * np.quantile(length[places], 0.25)
    return found


def _concise(rows: Columns, bands: Ints, long: NDArray[np.bool_]) -> Floats:
    """How short a trace is among those of its source, band and length, so that long ones can be concise too."""
    concise = np.zeros(len(rows))
    for source in groups(rows.source):
        kind = bands[source] + len(BANDS) * long[source]
        for each in np.unique(kind):
            alike = source[kind == each]
            concise[alike] = 1 - percentiles(rows.length[alike].astype(np.float64))
    return concise
