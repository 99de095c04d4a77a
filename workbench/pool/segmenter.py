"""A free-form solution cut into steps with roles: the likeliest roles of its sentences, taken together.

A linear chain over the sentences (Lafferty, McCallum and Pereira 2001), small enough to be read: each cue that a
sentence has speaks for or against each role, and so does the role of the sentence before it, by what parts
the two. `tools.fit_segmenter` fits the weights on traces that the measurements do not use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from workbench.pool.cues import cues, units
from workbench.records import Role, Step, Trace

ROLES: tuple[Role, ...] = ("strategy", "tactic", "check")
WEIGHTS = Path(__file__).with_name("cue_weights.json")
Scores = tuple[float, float, float]
"""One for each of `ROLES`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each cue speaks for each role, and each role for the one that follows."""

    cues: Mapping[str, Scores]
    follows: Mapping[str, tuple[Scores, Scores, Scores]]
    """By gap, then by the role before."""


@cache
def fitted() -> Weights:
    """Returns the weights that `tools.fit_segmenter` has written."""
    return as_weights(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def as_weights(found: Mapping[str, Any]) -> Weights:
    """Returns weights from plain JSON values."""
    return Weights(
        {name: cast(Scores, tuple(scores)) for name, scores in found["cues"].items()},
        {gap: cast(tuple[Scores, Scores, Scores], tuple(map(tuple, rows))) for gap, rows in found["follows"].items()},
    )


def segment(text: str, weights: Weights | None = None) -> tuple[Step, ...]:
    """Cuts a solution into steps; joined, they hold all of its text but blanks at their edges.

    Args:
        text: a solution as somebody wrote it.
        weights: of the cues; by default the fitted ones.
    """
    found = units(text)
    roles = best_path(cues(found), [unit.gap for unit in found], weights or fitted())
    steps: list[tuple[Role, int, int]] = []
    for unit, role in zip(found, roles, strict=True):
        if steps and steps[-1][0] == role and unit.gap == "sentence":
            steps[-1] = (role, steps[-1][1], unit.end)
        else:
            steps.append((role, unit.start, unit.end))
    return tuple(Step(role=role, text=text[start:end]) for role, start, end in steps)


def segment_trace(trace: Trace) -> Trace:
    """Returns the trace with the steps of its ``reasoning``, which stays as it is."""
    return replace(trace, steps=segment(trace.reasoning or ""))


def best_path(names: Sequence[Sequence[str]], gaps: Sequence[str], weights: Weights) -> list[Role]:
    """Returns the roles that together have the highest score (Viterbi 1967); the first of equals.

    Args:
        names: the cues of each sentence.
        gaps: what parts each sentence from the one before.
        weights: of cues and of roles that follow one another.
    """
    every = range(len(ROLES))
    best: list[list[float]] = []
    came: list[list[int]] = []
    for place, found in enumerate(names):
        own = [sum(weights.cues[name][role] for name in found if name in weights.cues) for role in every]
        if best:
            follows = weights.follows[gaps[place]]
            before = [[best[-1][last] + follows[last][role] for last in every] for role in every]
            came.append([scores.index(max(scores)) for scores in before])
            own = [score + max(scores) for score, scores in zip(own, before, strict=True)]
        best.append(own)
    path = [best[-1].index(max(best[-1]))] if best else []
    for step in reversed(came):
        path.append(step[path[-1]])
    return [ROLES[role] for role in reversed(path)]
