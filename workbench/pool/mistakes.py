"""Answers that somebody could have come to: one digit off, a carry forgotten, two items swapped (ours)."""

from __future__ import annotations

from random import Random

from workbench.grading import grade_answer
from workbench.pool.family import Family
from workbench.records import Problem

_TRIES = 20


def mistaken(family: Family, problem: Problem, answer: str, rng: Random) -> str | None:
    """Returns an answer that grader and family both find wrong; ``None`` where none was found.

    Args:
        family: whose ``mistake`` is made; without one, the answer's type decides.
        problem: of that family.
        answer: the right one.
        rng: decides which mistake.
    """
    assert family.verify, f"{family.name} has no check of its own"
    for _ in range(_TRIES):
        wrong = (family.mistake or _by_type)(problem, answer, rng)
        if wrong.strip() and not family.verify(problem, wrong).holds and not grade_answer(problem, wrong).is_correct:
            return wrong
    return None


def _by_type(problem: Problem, answer: str, rng: Random) -> str:
    if "/" in answer:
        top, bottom = answer.split("/")
        return rng.choice((f"{misread(top, rng)}/{bottom}", f"{top}/{misread(bottom, rng)}"))
    return misread(answer, rng)


def misread(number: str, rng: Random) -> str:
    """Returns a number near another: one or ten off, two digits swapped, or one decimal changed.

    >>> {misread("46", Random(seed)) for seed in range(40)} == {"45", "47", "36", "56", "64"}
    True
    """
    if "." in number or "e" in number:
        places = [place for place, character in enumerate(number.split("e")[0]) if character.isdigit()]
        place = rng.choice(places[1:])
        return f"{number[:place]}{(int(number[place]) + 1) % 10}{number[place + 1 :]}"
    value = int(number)
    found = [value - 1, value + 1]
    if abs(value) >= 10:
        found += [value - 10, value + 10, int(number[:-2] + number[-1] + number[-2])]
    wrong = rng.choice([other for other in found if other != value and (other >= 0 or value < 0)])
    return str(wrong)
