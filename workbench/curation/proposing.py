"""The semantic stage: the selection proposes rows, their meaning is looked at, and the rest is chosen from (ours)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from workbench.curation.columns import Columns
from workbench.curation.config import CurationConfig
from workbench.curation.coverage import meaning_groups
from workbench.curation.difficulty import Ints
from workbench.curation.held_out import HeldOut
from workbench.curation.scores import Scores
from workbench.curation.selection import selector
from workbench.curation.semantic import SIMILARITY, Asked, Embed, drop_copies, drop_duplicates, vectors
from workbench.curation.strategies import choose
from workbench.curation.templates import Neighbours
from workbench.curation.text import question_text
from workbench.curation.verdicts import Verdicts
from workbench.records import Trace

MOST = 5_000
"""Survivors whose meaning is looked at; twice as many as are kept, where that is more."""
GROUPS = 64
"""Of rows of like meaning, which a selection is to cover."""


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why the meaning of questions could not be looked at, and the fix."""

    reason: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """The survivors that may be kept once their meaning was looked at."""

    places: Ints
    """Among all survivors, in order."""
    scores: Scores
    """Of these, with their groups by meaning."""
    summary: dict[str, Any]
    """What was done, for ``funnel.json``."""


@dataclass(frozen=True, slots=True)
class _Summary:
    proposed: int
    """Survivors that were embedded."""
    held_out: int
    """Held-out questions that were embedded: those with some row's numbers, quoted words and answer."""
    similarity: float
    groups: int


def proposed(rows: Columns, scores: Scores, config: CurationConfig) -> Ints:
    """Returns the places of the rows that the configured strategy would keep if it could keep many; all of a few."""
    size = max(MOST, 2 * config.size)
    if len(rows) <= size:
        return np.arange(len(rows))
    wider = replace(config, size=size)
    return np.sort(choose(rows, scores, wider, selector(rows, scores, wider)).places_K)


def look_at_meaning(
    rows: Columns, scores: Scores, places: Ints, traces: Sequence[Trace], held_out: HeldOut, embed: Embed,
    neighbours: Neighbours, verdicts: Verdicts, seed: int,
) -> Candidates:  # fmt: skip
    """Drops what asks a held-out question, or the same as a better row, in other words; groups the others by meaning.

    Args:
        rows: all survivors.
        scores: of these.
        places: of those to look at, from `proposed`.
        traces: at these places.
        held_out: the index of held-out questions.
        embed: gives texts' vectors.
        neighbours: of the whole pool.
        verdicts: receive the dropped rows.
        seed: of the groups.
    """
    looked_at, asked = rows.take(places), list(_asked(traces))
    vectors_ND = vectors(embed, [each.text for each in asked])
    compared = drop_copies(looked_at, asked, vectors_ND, held_out, embed, neighbours, verdicts)
    drop_duplicates(looked_at, asked, vectors_ND, neighbours, verdicts)
    is_left = verdicts.left(looked_at.index)
    cluster = meaning_groups(vectors_ND[is_left], GROUPS, seed)
    left = places[is_left]
    summary = _Summary(len(places), compared, SIMILARITY, len(np.unique(cluster[cluster >= 0])))
    return Candidates(left, replace(scores.take(left), cluster=cluster), asdict(summary))


def _asked(traces: Sequence[Trace]) -> Iterator[Asked]:
    for trace in traces:
        yield Asked.of(trace.id, question_text(trace.problem), trace.problem.answer or trace.answer)
