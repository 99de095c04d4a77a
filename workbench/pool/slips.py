"""Slips: a step that goes wrong, what follows from it, and what is done again once a check has found it (ours)."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, Literal

from workbench.grading import grade_answer
from workbench.pool.family import Family, WorkedSolution
from workbench.pool.mistakes import misread, mistaken
from workbench.records import Problem

Kind = Literal["calculation", "copying"]

_EQUATION = re.compile(r"(?P<lead>(?:.*(?:: | = ))?)(?P<sum>[\d(][-+*/() \d]*) = (?P<value>\d+)")
"""A step that calculates: what stands before, the calculation, its value."""
_NUMBER = re.compile(r"(?<![\d.])\d+(?![\d.])")
_AGAIN = (
    "Step {n} once more: {steps}.",
    "The slip is in step {n}, which should be {steps}.",
    "From step {n} on again: {steps}.",
)
_MENDED = ("The last step once more: {}.", "Redone, the last step reads: {}.", "Corrected: {}.")
_COPIED = ("The steps stand, only the result was written down wrongly; it should be: {}.",
           "The steps are right; reading the result off them again gives: {}.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slip:
    """A solution that goes wrong."""

    tactics: tuple[str, ...]
    wrong: str
    """The answer that it comes to."""
    kind: Kind
    step: int | None = None
    """The step that is wrong, from 1; ``None`` where only the result was copied wrongly."""
    redone: tuple[str, ...] = ()
    """That step as it should be, and all that followed from it."""

    def usage(self, mended: str) -> dict[str, Any]:
        """Returns what a trace's ``usage`` says of it."""
        place = {} if self.step is None else {"step": self.step}
        return {"kind": self.kind, **place, "wrong": self.wrong, "mended": mended}

    def mending(self, answer: str, voice: Random) -> str:
        """Returns the sentence that puts it right."""
        if self.step is None:
            return voice.choice(_COPIED).format(answer.rstrip("."))
        if self.step == len(self.tactics):
            return voice.choice(_MENDED).format(self.redone[0].rstrip("."))
        return voice.choice(_AGAIN).format(n=self.step, steps="; then ".join(self.redone))


def slip_of(family: Family, problem: Problem, solution: WorkedSolution, rng: Random) -> Slip | None:
    """Makes up a slip that the family's check finds; ``None`` where there is none.

    Any step of a calculation can go wrong, and the steps after it go on from there; elsewhere it is the last step or
    the copying of the result.

    Args:
        family: of the problem.
        problem: what was solved.
        solution: without a slip.
        rng: decides which step goes wrong, and how.
    """
    assert family.verify
    places = [place for place, text in enumerate(solution.tactics) if _EQUATION.fullmatch(text)]
    rng.shuffle(places)
    for place in places:
        slip = carried(problem, solution, place, rng)
        if slip and not (family.verify(problem, slip.wrong).holds or grade_answer(problem, slip.wrong).is_correct):
            return slip
    wrong = mistaken(family, problem, solution.answer, rng)
    return None if wrong is None else slipped(solution, wrong)


def slipped(solution: WorkedSolution, wrong: str) -> Slip:
    """Lets the last step end in a wrong answer; where it does not state the answer, only the result is wrong.

    >>> sum_up = WorkedSolution(method="", strategy="", tactics=("4 + 8 = 12",), check="", answer="12")
    >>> slipped(sum_up, "13").tactics
    ('4 + 8 = 13',)
    """
    last, right = solution.tactics[-1], solution.answer
    before = last.removesuffix(right)
    if before == last or (before and (before[-1].isalnum() or before[-1] in "-./")):
        return Slip(solution.tactics, wrong, "copying")
    tactics = (*solution.tactics[:-1], f"{before}{wrong}")
    return Slip(tactics, wrong, "calculation", len(tactics), (last,))


def carried(problem: Problem, solution: WorkedSolution, place: int, rng: Random) -> Slip | None:
    """Lets one calculation go wrong and carries its value on to the answer.

    ``None`` where that cannot be told: the answer does not depend on it, another number looks the same, or a later
    step is no calculation, does not come out whole or falls below 0.
    """
    known = {*_NUMBER.findall(problem.question), *_NUMBER.findall("\n".join(solution.tactics[:place]))}
    lines, redone = list(solution.tactics[:place]), list[str]()
    changed = dict[str, str]()
    for step in solution.tactics[place:]:
        found = _EQUATION.fullmatch(step)
        if changed and not changed.keys() & set(_NUMBER.findall(step)):
            lines.append(step)
            known |= {*_NUMBER.findall(step)}
            continue
        if not found or changed.keys() & set(_NUMBER.findall(found["lead"])) or found["value"] in known:
            return None
        new = _again(found["sum"], changed) if changed else misread(found["value"], rng)
        if new is None or (not changed and _value(found["sum"]) != int(found["value"])):
            return None
        known |= {*_NUMBER.findall(found["sum"])} - changed.keys()
        lines.append(f"{found['lead']}{_replaced(found['sum'], changed)} = {new}")
        redone.append(step)
        changed[found["value"]] = new
    wrong = changed.get(solution.answer)
    if wrong is None or wrong == solution.answer:
        return None
    return Slip(tuple(lines), wrong, "calculation", place + 1, tuple(redone))


def _replaced(text: str, changed: Mapping[str, str]) -> str:
    return _NUMBER.sub(lambda number: changed.get(number[0], number[0]), text)


def _again(calculation: str, changed: Mapping[str, str]) -> str | None:
    """The value of a calculation with other numbers; ``None`` where it is no whole number from 0 up."""
    value = _value(_replaced(calculation, changed))
    return str(value) if value is not None and value >= 0 and value.denominator == 1 else None


def _value(calculation: str) -> Fraction | None:
    """The value of a calculation in plain whole numbers; ``None`` where it is none.

    >>> _value("2 * (3 + 4)"), _value("1 / 0")
    (Fraction(14, 1), None)
    """
    try:
        return _reckoned(ast.parse(calculation, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError):
        return None


def _reckoned(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int(value)):
            return Fraction(value)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_reckoned(inner)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _reckoned(left) + _reckoned(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _reckoned(left) - _reckoned(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _reckoned(left) * _reckoned(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _reckoned(left) / _reckoned(right)
    raise ValueError("no plain calculation")
