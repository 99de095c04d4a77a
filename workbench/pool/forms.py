"""The long form of a worked solution: what is asked, the steps told one by one, two checks, now and then a slip (ours).

The short form is the solver's own: one plan, bare steps, one check. A *voice* is a way of wording: a number
that decides between phrasings, the same for the whole trace. Voice 0 is the plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from workbench.pool.family import Family, WorkedSolution
from workbench.pool.slips import Slip, slip_of
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
_SECOND = ("By another route: {}", "A second look: {}", "To be sure: {}", "Once more: {}")
_FOUND = ("That does not fit, so there is a slip.", "So something went wrong.", "This cannot be right.",
          "A slip, then; look again.")  # fmt: skip
_NOW = ("Now: {}", "The check again: {}", "With that: {}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a trace is told."""

    length: Literal["short", "long"] = "short"
    """A bare plan, steps and check, or all of it in sentences with a second check."""
    voice: int = 0
    """Which wording; 0 is the plain one."""
    slip: bool = False
    """Whether a step goes wrong, which the check finds and mends; long form only."""


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
    slip = slip_of(family, problem, solution, rng) if form.slip else None
    voice = Random(f"voice {form.voice}")
    plan = _plan(family, problem, solution, voice)
    mark, result = voice.choice(_MARKS), voice.choice(_RESULTS)
    if slip is None:
        tactics, check = solution.tactics, _two_checks(family, problem, solution, voice)
    else:
        tactics, check = slip.tactics, _mending(family, problem, slip, solution.answer, voice)
        usage["slip"] = slip.usage(solution.answer)
    marks = [mark[0], *[mark[1]] * (len(tactics) - 2), mark[2]][: len(tactics)]
    lines = [f"{mark.format(n=n)}{text}" for n, (mark, text) in enumerate(zip(marks, tactics, strict=True), start=1)]
    lines.append(_result(result, slip.wrong if slip else solution.answer))
    steps = [Step(role="tactic", text=line) for line in lines]
    return Told((Step(role="strategy", text=plan), *steps, Step(role="check", text=check)), usage)


def _plan(family: Family, problem: Problem, solution: WorkedSolution, voice: Random) -> str:
    assert family.recap, f"{family.name} cannot say what is asked"
    plan = voice.choice(_PLANS).format(recap=family.recap(problem), plan=solution.strategy)
    return plan + voice.choice(_PROMISES)


def _result(wording: str, answer: str) -> str:
    """The line that ends the steps; a whole sentence does not follow on from another."""
    is_sentence = " " in answer and ":" not in wording
    return (wording.replace(" {}", ": {}") if is_sentence else wording).format(answer)


def _two_checks(family: Family, problem: Problem, solution: WorkedSolution, voice: Random) -> str:
    assert family.verify
    again = family.verify(problem, solution.answer).text
    if again == solution.check:
        return again
    return f"{solution.check} {voice.choice(_SECOND).format(again)}"


def _mending(family: Family, problem: Problem, slip: Slip, answer: str, voice: Random) -> str:
    """The check that finds the slip, the steps done again, and the check that now holds."""
    assert family.verify
    found, holds = family.verify(problem, slip.wrong).text, family.verify(problem, answer).text
    return f"{found} {voice.choice(_FOUND)} {slip.mending(answer, voice)} {voice.choice(_NOW).format(holds)}"
