"""The joint choice of rows: one objective over difficulty, diversity and quality (ours).

For a set S of rows with exactly k_q rows of every quota q::

    F(S) = w_difficulty · Σ_q Σ_band min(n_qband(S), target_qband)
         + w_diversity  · Σ_feature a_feature · √n_feature(S)
         + w_quality    · Σ_row quality(row)

Every term is monotone and submodular, so that adding the row of the largest gain again and again reaches
at least half of the best possible value under such quotas (Fisher, Nemhauser and Wolsey 1978). Gains only
fall as S grows: old gains are upper bounds, and only rows whose bound could still win are counted anew
(Minoux 1978).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.curation.columns import SKETCH, Columns
from workbench.curation.config import BANDS, CurationConfig
from workbench.curation.difficulty import Floats, Ints, difficulty, groups, percentiles
from workbench.curation.quotas import Quota, band_targets, quotas
from workbench.files import text_hash

_NAMED_WEIGHTS = (0.35, 0.2, 0.1)
"""Strategy, level, opening; the words share what is left of 1."""
_WORD_WEIGHT = (1 - sum(_NAMED_WEIGHTS)) / SKETCH
_DIGITS = 9
_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Choice:
    """A row that was kept, when, and what it added by each criterion, weights included."""

    place: int
    """The row's index among the survivors."""
    rank: int
    """From 1, in the order in which rows were chosen."""
    quota: Quota
    difficulty: float
    diversity: float
    quality: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What is known of every survivor before anything is chosen, in the survivors' order."""

    difficulty: Floats
    band: Ints
    quality: Floats
    """In [0, 1]: 0.4 for a verified answer, 0.3 for a check, up to 0.3 for being concise."""


@dataclass(slots=True)
class _State:
    """Counts over the rows chosen so far; row order is the seeded hash order, so that ties are settled."""

    config: CurationConfig
    quota: Ints
    band: Ints
    quality: Floats
    slots: Ints
    """Feature ids, rows × slots; 0 is an empty slot."""
    weights: Floats
    """Per slot."""
    left: Ints
    """Rows that each quota still wants."""
    wanted: Ints
    """Rows that each quota's band still wants, quotas × bands."""
    counts: Floats
    """Chosen rows per feature."""

    def parts(self, rows: Ints) -> tuple[Floats, Floats, Floats]:
        """Returns the rows' gains by difficulty, diversity and quality, weights included."""
        wants = (self.wanted[self.quota[rows], self.band[rows]] > 0).astype(np.float64)
        growth = np.sqrt(self.counts + 1) - np.sqrt(self.counts)
        growth[0] = 0.0
        new = (growth[self.slots[rows]] * self.weights).sum(axis=1)
        config = self.config
        return (
            config.difficulty_weight * wants, config.diversity_weight * new,
            config.quality_weight * self.quality[rows],
        )  # fmt: skip

    def gains(self, rows: Ints) -> Floats:
        """Returns the rows' gains; a row whose quota is full gains less than any other."""
        total: Floats = np.round(sum(self.parts(rows)), _DIGITS)
        return np.where(self.left[self.quota[rows]] > 0, total, -1.0)

    def add(self, row: int) -> None:
        """Counts a chosen row."""
        self.left[self.quota[row]] -= 1
        self.wanted[self.quota[row], self.band[row]] -= 1
        np.add.at(self.counts, self.slots[row], 1)


def score(rows: Columns) -> Scores:
    """Returns difficulty and quality of every survivor; conciseness is judged within source and band."""
    scores, bands = difficulty(rows)
    concise = np.zeros(len(rows))
    for source in groups(rows.source):
        for band in range(len(BANDS)):
            alike = source[bands[source] == band]
            if len(alike):
                concise[alike] = 1 - percentiles(rows.length[alike].astype(np.float64))
    known = 0.4 * rows.is_verified + 0.3 * rows.has_check
    return Scores(difficulty=scores, band=bands, quality=np.round(known + 0.3 * concise, 6))


def select(
    rows: Columns, scores: Scores, config: CurationConfig, step: Callable[[range], object] = iter
) -> list[Choice]:
    """Returns the chosen rows in the order of choice.

    Args:
        rows: the survivors.
        scores: from `score`, in the rows' order.
        config: size, seed, mix and weights.
        step: wraps the range of ranks, to show progress.
    """
    order = sorted(range(len(rows)), key=lambda place: text_hash(config.seed, rows.hash_bytes(place), place))
    parts = quotas(rows, config.size, config.seed)
    state = _state(rows, scores, np.array(order, dtype=np.int64), parts, config)
    bounds = state.gains(np.arange(len(rows)))
    names, chosen = list(parts), []
    for rank in step(range(1, sum(parts.values()) + 1)):  # type: ignore[attr-defined]
        best = _best(state, bounds)
        gains = [round(float(part[0]), 6) for part in state.parts(np.array([best]))]
        state.add(best)
        bounds[best] = -2.0
        place, quota = order[best], names[state.quota[best]]
        reason = _reason(rows, place, BANDS[state.band[best]], gains)
        chosen.append(Choice(place, rank, quota, gains[0], gains[1], gains[2], reason))
    return chosen


def objective(rows: Columns, scores: Scores, config: CurationConfig, places: Sequence[int]) -> float:
    """Returns F of a set of survivors, so that any other selection can be compared with ours."""
    state = _state(rows, scores, np.arange(len(rows)), quotas(rows, config.size, config.seed), config)
    total = 0.0
    for place in places:
        total += float(sum(part[0] for part in state.parts(np.array([place]))))
        state.add(place)
    return round(total, 6)


def _best(state: _State, bounds: Floats) -> int:
    """Returns the first row of the largest gain; ``bounds`` is brought up to date where it matters."""
    fresh = np.zeros(len(bounds), dtype=np.bool_)
    chunk = min(_CHUNK, len(bounds))
    stale = np.argpartition(-bounds, chunk - 1)[:chunk]
    while len(stale):
        usable = stale[bounds[stale] > -2.0]
        bounds[usable] = np.minimum(bounds[usable], state.gains(usable))
        fresh[stale] = True
        stale = np.flatnonzero((bounds >= bounds[fresh].max()) & ~fresh)
        if len(stale) > 4 * _CHUNK:
            stale = stale[np.argpartition(-bounds[stale], 4 * _CHUNK)[: 4 * _CHUNK]]
    return int(bounds.argmax())


def _state(rows: Columns, scores: Scores, places: Ints, parts: dict[Quota, int], config: CurationConfig) -> _State:
    number = {quota: place for place, quota in enumerate(parts)}
    rows = rows.take(places)
    quota = [number[pair] for pair in zip(rows.domain.values(), rows.source.values(), strict=True)]
    ids, slots = np.unique(rows.features, return_inverse=True)
    # Number 0 is the empty slot's, whether or not there is one.
    slots = slots.reshape(rows.features.shape) + (ids[:1] != 0).any()
    sizes = list(parts.values())
    return _State(
        config, np.array(quota), scores.band[places],
        scores.quality[places], slots, np.array([*_NAMED_WEIGHTS, *[_WORD_WEIGHT] * SKETCH]), np.array(sizes),
        np.array([band_targets(size, config.difficulty_mix) for size in sizes]), np.zeros(len(ids) + 1),
    )  # fmt: skip


def _reason(rows: Columns, place: int, band: str, gains: Sequence[float]) -> str:
    """Says in words what spoke for the row, strongest first."""
    known = ["verified"] * bool(rows.is_verified[place]) + ["checked"] * bool(rows.has_check[place])
    words = {
        0: f"{band} row, which its quota wanted",
        1: f"new by {'strategy ' + rows.strategy[place]!r}" if gains[1] > 0.3 else "adds some variety",
        2: " and ".join(known) or "concise",
    }
    order = sorted(range(3), key=lambda place: (-gains[place], place))
    return "; ".join(words[place] for place in order if gains[place] > 0) or "fills its quota"
