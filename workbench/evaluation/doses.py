"""How an answer changes with the dose of guidance: the same problems under several guidances, in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from scipy.stats import t as student_t

from workbench.errors import InputError
from workbench.evaluation.statistics import LEVEL, accuracy
from workbench.grading import grade
from workbench.inference import Engine, Request
from workbench.interventions import Guidance
from workbench.records import Completion, Problem
from workbench.students import Student


class DoseRow(TypedDict):
    """What one dose gave: a fraction of right answers and a mean number of tokens, each with its 95 % interval."""

    dose: int
    n: int
    accuracy: tuple[float, float, float]
    """Value, low, high."""
    tokens: tuple[float, float, float]
    """Mean, low, high."""


@dataclass(frozen=True, slots=True)
class Doses:
    """The answers under every dose, and what they come to."""

    rows: tuple[DoseRow, ...]
    completions: tuple[Completion, ...]
    """``arm`` names the dose."""


def dose_response(
    student: Student, problems: Sequence[Problem], guidances: Mapping[int, Guidance], *, slots: int = 96
) -> Doses:
    """Answers the same problems under every guidance, greedily, and grades them.

    Args:
        student: with or without an adapter.
        problems: with distinct ids.
        guidances: by dose, such as the tokens that a budget allows; no answer is longer than its dose.
        slots: rows that are decoded together.

    Raises:
        InputError: where there is no problem or no guidance.
    """
    if not problems or not guidances:
        raise InputError("a dose-response needs at least one problem and one guidance")
    requests = [
        Request(
            problem_id=problem.id,
            question=problem.question,
            max_tokens=dose,
            sample=dose,
            steering=guidance,
        )
        for dose, guidance in sorted(guidances.items(), reverse=True)  # the longest first keeps the batch full
        for problem in problems
    ]
    with student.merged():
        written = {(c.sample, c.problem_id): c for c in Engine(student, slots=slots).run(requests)}
    completions = {
        dose: [replace(written[dose, problem.id], arm=f"at most {dose} tokens", sample=0) for problem in problems]
        for dose in sorted(guidances)
    }
    rows = tuple(_row(dose, problems, answers) for dose, answers in completions.items())
    return Doses(rows, tuple(completion for answers in completions.values() for completion in answers))


def _row(dose: int, problems: Sequence[Problem], completions: Sequence[Completion]) -> DoseRow:
    right = accuracy([grade(p, c.text).is_correct for p, c in zip(problems, completions, strict=True)])
    tokens = _mean([len(completion.token_ids) for completion in completions])
    return {"dose": dose, "n": len(problems), "accuracy": (right.value, right.low, right.high), "tokens": tokens}


def _mean(values: Sequence[int]) -> tuple[float, float, float]:
    """A mean with Student's interval; that of a single value is the value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, mean, mean
    half = float(student_t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, max(mean - half, 0.0), mean + half
