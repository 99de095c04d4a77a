"""The joint choice of rows: one objective over all criteria (ours).

For a set S of rows with exactly k_q rows of every quota q::

    F(S) = w_difficulty  · Σ_q Σ_band min(n_qband(S), target_qband)
         + w_diversity   · Σ_feature a_feature · √n_feature(S)
         + w_quality     · Σ_row quality(row)
         + w_suitability · Σ_row suitability(row)
         + w_length      · Σ_q Σ_length min(n_qlength(S), target_qlength)

Features are the strategy, level, opening and words of a question, and its cluster by meaning where there is
one: coverage is a concave function of how many rows a cluster has. Every term is monotone and submodular;
`workbench.curation.greedy` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import SKETCH, Columns
from workbench.curation.config import CRITERIA, CurationConfig
from workbench.curation.difficulty import Floats, Ints
from workbench.curation.greedy import Objective, Selection, Selector
from workbench.curation.quotas import Quota, band_targets, quotas
from workbench.curation.scores import Scores
from workbench.files import text_hash

_NAMED_WEIGHTS = (0.35, 0.2, 0.1)
"""Strategy, level, opening; the words share what is left of 1."""
_WORD_WEIGHT = (1 - sum(_NAMED_WEIGHTS)) / SKETCH
_CLUSTER_WEIGHT = 0.35
"""On top of them, where rows are grouped by meaning."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A row that was kept, when, and what it added by each criterion, weights included."""

    place: int
    """The row's index among the survivors."""
    rank: int
    """From 1, in the order in which rows were chosen."""
    quota: Quota
    gains: dict[str, float]
    """By criterion, in the order of `CRITERIA`."""


def select(
    rows: Columns, scores: Scores, config: CurationConfig, step: Callable[[Ints], Iterable[int]] = iter
) -> list[Choice]:
    """Returns the rows that the joint objective chooses, in the order of choice.

    Args:
        rows: the survivors.
        scores: from `workbench.curation.scores`, in the rows' order.
        config: size, seed, mixes and weights.
        step: wraps the turns, to show progress.
    """
    return choices(rows, selector(rows, scores, config).reselect(config.weights, step))


def selector(rows: Columns, scores: Scores, config: CurationConfig) -> Selector:
    """Returns what chooses among rows for any weights; size, seed and mixes are the configuration's."""
    return Selector(joint_objective(rows, scores, config))


def choices(rows: Columns, selection: Selection) -> list[Choice]:
    """Returns a selection row by row."""
    found = []
    for rank, (place, gains) in enumerate(zip(selection.places_K.tolist(), selection.gains_KC, strict=True), 1):
        named = dict(zip(CRITERIA, np.round(gains, 6).tolist(), strict=True))
        found.append(Choice(place, rank, (rows.domain[place], rows.source[place]), named))
    return found


def objective(rows: Columns, scores: Scores, config: CurationConfig, places: Sequence[int]) -> float:
    """Returns F of a set of survivors, so that any other selection can be compared with ours."""
    return selector(rows, scores, config).value(places, config.weights).value


def seeded_order(rows: Columns, seed: int) -> Ints:
    """Returns the rows' places in an order that depends on their content and the seed alone."""
    keys = [text_hash(seed, rows.hash_bytes(place)) for place in range(len(rows))]
    return np.array(sorted(range(len(rows)), key=keys.__getitem__), dtype=np.int64)


def joint_objective(rows: Columns, scores: Scores, config: CurationConfig) -> Objective:
    """Returns F with its quotas, before the criteria are weighed."""
    parts = quotas(rows, config.size, config.seed)
    number = {quota: place for place, quota in enumerate(parts)}
    pairs = zip(rows.domain.values(), rows.source.values(), strict=True)
    quota_N = np.array([number[pair] for pair in pairs], dtype=np.int64)
    sizes = list(parts.values())
    bands = _capped(quota_N, scores.band, [band_targets(size, config.difficulty_mix) for size in sizes])
    mix = (1 - config.long_share, config.long_share)
    lengths = _capped(quota_N, scores.is_long.astype(np.int64), [band_targets(size, mix) for size in sizes])
    tables = [_named(rows.features, [*_NAMED_WEIGHTS, *[_WORD_WEIGHT] * SKETCH]), bands, lengths]
    names = ["diversity", "difficulty", "length"]
    if scores.cluster is not None:
        tables.append(_named(scores.cluster[:, None] + 1, [_CLUSTER_WEIGHT]))
        names.append("diversity")
    tie_N = np.empty(len(rows), dtype=np.int64)
    tie_N[seeded_order(rows, config.seed)] = np.arange(len(rows))
    return _joined(tables, names, quota_N, np.array(sizes, dtype=np.int64), scores, tie_N)


@dataclass(frozen=True, slots=True)
class _Table:
    """Features of one kind, numbered from 1; 0 is an empty slot."""

    slots_NS: Ints
    share_F: Floats
    target_F: Ints


def _named(values_NS: NDArray[np.integer], shares: Sequence[float]) -> _Table:
    """Features of which n rows are worth √n; a column's share is that of all its values, 0 is none."""
    ids, slots = np.unique(values_NS, return_inverse=True)
    slots_NS = slots.reshape(values_NS.shape).astype(np.int64)
    if len(ids) and ids[0] != 0:
        ids, slots_NS = np.concatenate([np.zeros(1, dtype=ids.dtype), ids]), slots_NS + 1
    share_F = np.zeros(max(len(ids), 1))
    for column, share in enumerate(shares):
        share_F[slots_NS[:, column]] = share
    share_F[0] = 0.0
    return _Table(slots_NS, share_F, np.full(len(share_F), -1, dtype=np.int64))


def _capped(quota_N: Ints, kind_N: Ints, targets: Sequence[Sequence[int]]) -> _Table:
    """Features of a quota and a kind, each worth 1 a row until the kind's target in the quota is reached."""
    target_F = np.concatenate([[0], np.ravel(targets)]).astype(np.int64)
    kinds = len(targets[0]) if targets else 1
    return _Table((1 + quota_N * kinds + kind_N)[:, None], np.ones(len(target_F)), target_F)


def _joined(
    tables: Sequence[_Table], names: Sequence[str], quota_N: Ints, sizes_Q: Ints, scores: Scores, tie_N: Ints
) -> Objective:
    """One table of all kinds of features, with the scores that add up beside it."""
    slots, criterion, start = [], [np.zeros(1, dtype=np.int64)], 0
    for table, name in zip(tables, names, strict=True):
        slots.append(np.where(table.slots_NS > 0, table.slots_NS + start, 0))
        start += len(table.share_F) - 1
        criterion.append(np.full(len(table.share_F) - 1, CRITERIA.index(name)))
    scores_CN = np.zeros((len(CRITERIA), len(quota_N)))
    scores_CN[CRITERIA.index("quality")] = scores.quality
    scores_CN[CRITERIA.index("suitability")] = scores.suitability
    return Objective(
        criteria=CRITERIA, quota_N=quota_N, sizes_Q=sizes_Q,
        slots_SN=np.ascontiguousarray(np.concatenate(slots, axis=1).T.astype(np.int32)),
        criterion_F=np.concatenate(criterion),
        share_F=np.concatenate([[0.0], *(table.share_F[1:] for table in tables)]),
        target_F=np.concatenate([[-1], *(table.target_F[1:] for table in tables)]),
        scores_CN=scores_CN, tie_N=tie_N,
    )  # fmt: skip


def reason(
    strategy: str, band: str, gains: dict[str, float], *, verified: bool, checked: bool, long: bool = False
) -> str:
    """Says in words what spoke for a row, strongest first.

    Args:
        strategy: the first words of its plan.
        band: its difficulty.
        gains: by criterion.
        verified: whether its answer is.
        checked: whether it checks its answer.
        long: whether it is long for its source.
    """
    words = {
        "difficulty": f"{band} row, which its quota wanted",
        "diversity": f"new by its strategy {strategy!r}" if gains["diversity"] > 0.3 else "adds some variety",
        "quality": " and ".join(["verified"] * verified + ["checked"] * checked) or "concise",
        "suitability": "suits the student",
        "length": f"{'long' if long else 'short'} trace, which its quota wanted",
    }
    order = sorted(CRITERIA, key=lambda name: (-gains[name], CRITERIA.index(name)))
    return "; ".join(words[name] for name in order if gains[name] > 0) or "fills its quota"
