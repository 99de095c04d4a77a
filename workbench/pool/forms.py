"""The long form of a worked solution: what is asked, the steps told one by one, two checks, now and then a slip (ours).

The short form is the solver's own: one plan, bare steps, one check. A *voice* is a way of wording: a number
that decides between phrasings, the same for the whole trace. Voice 0 is the plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from workbench.pool.family import Family, WorkedSolution
from workbench.pool.mistakes import mistaken
from workbench.records import Problem, Step, Trace

_PLANS = (
    "{recap} {plan}",
    "What is asked? {recap} How to go about it: {plan}",
    "{recap} So this is the plan: {plan}",
    "First the task in my own words. {recap} {plan}",
    "Let us see what we have. {recap} {plan}",
    "The task: {recap} The way: {plan}",
)
_PROMISES = ("", " The result is then checked by another route.", " At the end I check it from another side.",
             " After that comes a check that does not use these steps.")  # fmt: skip
_MARKS = (
    ("", "", ""),
    ("{n}. ", "{n}. ", "{n}. "),
    ("Step {n}: ", "Step {n}: ", "Step {n}: "),
    ("First: ", "Then: ", "Last: "),
    ("To begin with: ", "Next: ", "Next: "),
    ("({n}) ", "({n}) ", "({n}) "),
)
"""What stands before the first step, those between, and the last."""
_RESULTS = ("So the answer is {}", "That gives {}", "Result: {}", "Hence the answer: {}", "We get {}")
_SECOND = ("By another route: {}", "A second look: {}", "To be sure: {}", "Seen from the other side: {}")
_FOUND = ("That does not fit, so there is a slip.", "So something went wrong.", "This cannot be right.",
          "A slip, then; look again.")  # fmt: skip
_MENDED = ("The last step once more: {}.", "Redone, the last step reads: {}.", "Corrected: {}.")
_COPIED = ("The steps stand, only the result was written down wrongly: it is {}.",
           "The steps are right; reading the result off them again gives {}.")  # fmt: skip
_NOW = ("Now: {}", "The check again: {}", "With that: {}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a trace is told."""

    length: Literal["short", "long"] = "short"
    """A bare plan, steps and check, or all of it in sentences with a second check."""
    voice: int = 0
    """Which wording; 0 is the plain one."""
    slip: bool = False
    """Whether the last step goes wrong, which the check finds and mends; long form only."""


@dataclass(frozen=True, slots=True)
class Told:
    """A solution in a form, and what is recorded about it in the trace's ``usage``."""

    steps: tuple[Step, ...]
    usage: dict[str, Any]


def form_of(trace: Trace) -> Form:
    """Returns the form of an embedded trace, from what its ``usage`` says.

    >>> form_of(Trace(id="t", problem=Problem(id="p", question="?"), teacher="worked"))
    Form(length='short', voice=0, slip=False)
    """
    usage = trace.usage
    return Form(length=usage.get("form", "short"), voice=usage.get("voice", 0), slip="slip" in usage)


def told(family: Family, problem: Problem, solution: WorkedSolution, form: Form, rng: Random) -> Told:
    """Tells a solution in a form.

    Args:
        family: of the problem; the long form needs its ``recap`` and ``verify``.
        problem: what was solved.
        solution: by the family's solver, in the form's voice.
        form: how to tell it. Where no slip can be made up that the check would find, there is none.
        rng: decides what the slip is.
    """
    if form.length == "short":
        return Told(solution.steps(), {"form": "short", "voice": form.voice} if form.voice else {})
    usage: dict[str, Any] = {"form": "long", "voice": form.voice}
    wrong = mistaken(family, problem, solution.answer, rng) if form.slip else None
    voice = Random(f"voice {form.voice}")
    plan = _plan(family, problem, solution, voice)
    mark, result = voice.choice(_MARKS), voice.choice(_RESULTS)
    if wrong is None:
        tactics, check = solution.tactics, _two_checks(family, problem, solution, voice)
    else:
        tactics, kind = slipped(solution, wrong)
        check = _mending(family, problem, solution, wrong, kind, voice)
        usage["slip"] = {"kind": kind, "wrong": wrong, "mended": solution.answer}
    marks = [mark[0], *[mark[1]] * (len(tactics) - 2), mark[2]][: len(tactics)]
    lines = [f"{mark.format(n=n)}{text}" for n, (mark, text) in enumerate(zip(marks, tactics, strict=True), start=1)]
    lines.append(result.format(wrong or solution.answer))
    steps = [Step(role="tactic", text=line) for line in lines]
    return Told((Step(role="strategy", text=plan), *steps, Step(role="check", text=check)), usage)


def _plan(family: Family, problem: Problem, solution: WorkedSolution, voice: Random) -> str:
    assert family.recap, f"{family.name} cannot say what is asked"
    plan = voice.choice(_PLANS).format(recap=family.recap(problem), plan=solution.strategy)
    return plan + voice.choice(_PROMISES)


def _two_checks(family: Family, problem: Problem, solution: WorkedSolution, voice: Random) -> str:
    assert family.verify
    again = family.verify(problem, solution.answer).text
    if again == solution.check:
        return again
    return f"{solution.check} {voice.choice(_SECOND).format(again)}"


def slipped(solution: WorkedSolution, wrong: str) -> tuple[tuple[str, ...], Literal["calculation", "copying"]]:
    """Lets the last step end in a wrong answer; where it does not state the answer, only the result is wrong.

    >>> sum_up = WorkedSolution(method="", strategy="", tactics=("4 + 8 = 12",), check="", answer="12")
    >>> slipped(sum_up, "13")
    (('4 + 8 = 13',), 'calculation')
    """
    last, right = solution.tactics[-1], solution.answer
    before = last.removesuffix(right)
    if before == last or (before and (before[-1].isalnum() or before[-1] in "-./")):
        return solution.tactics, "copying"
    return (*solution.tactics[:-1], f"{before}{wrong}"), "calculation"


def _mending(family: Family, problem: Problem, solution: WorkedSolution, wrong: str, kind: str, voice: Random) -> str:
    """The check that finds the slip, the step done again, and the check that now holds."""
    assert family.verify
    mended = (
        voice.choice(_MENDED).format(solution.tactics[-1].rstrip("."))
        if kind == "calculation"
        else voice.choice(_COPIED).format(solution.answer.rstrip("."))
    )
    found, holds = family.verify(problem, wrong).text, family.verify(problem, solution.answer).text
    return f"{found} {voice.choice(_FOUND)} {mended} {voice.choice(_NOW).format(holds)}"
