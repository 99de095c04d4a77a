"""Verdicts: what is right, what is wrong, and what nobody can know."""

from __future__ import annotations

import time
from typing import Any

import pytest

from workbench.errors import InputError
from workbench.grading import grade, grade_all, grade_answer
from workbench.grading.math_worker import MathWorker
from workbench.records import Problem


def make(answer: str | None, kind: str | None = None, **more: Any) -> Problem:
    return Problem(id="p", question="?", answer=answer, metadata={"answer_type": kind, **more} if kind else more)


def test_without_a_reference_nothing_is_wrong() -> None:
    found = grade(make(None, "number"), "Answer: 5")
    assert (found.verdict, found.extracted, found.reason) == ("ungraded", "5", "the problem has no reference answer")
    assert grade(make(None), "").verdict == "ungraded"
    assert grade(make("", "text"), "Answer: x").verdict == "ungraded"


def test_a_reference_that_cannot_be_read_is_ungraded() -> None:
    found = grade(make("a dozen or so", "number"), "Answer: 12")
    assert found.verdict == "ungraded"
    assert "a dozen or so" in found.reason


def test_no_answer_is_wrong_and_says_so() -> None:
    found = grade(make("5", "number"), "I cannot say")
    assert (found.verdict, found.extracted, found.reason) == ("wrong", None, "no answer was found")


def test_tolerance_is_absolute_and_checked() -> None:
    assert grade(make("3.14", "number", tolerance=0.01), "Answer: 3.15").verdict == "correct"
    assert grade(make("3.14", "number", tolerance=0.01), "Answer: 3.151").verdict == "wrong"
    assert grade(make("3.14", "number"), "Answer: 3.15").verdict == "wrong"
    with pytest.raises(InputError, match="tolerance"):
        grade(make("3", "number", tolerance="wide"), "Answer: 3")


def test_a_fraction_to_be_simplified_must_be_in_lowest_terms() -> None:
    problem = make("$\\dfrac{3}{4}$", "fraction")
    assert grade(problem, "Answer: 3/4").verdict == "correct"
    assert grade(problem, "Answer: 0.75").verdict == "correct"
    assert grade(problem, "Answer: 6/8").verdict == "wrong"
    assert grade(make("3/4", "number"), "Answer: 6/8").verdict == "correct"


def test_grade_all_keeps_order_and_is_lazy() -> None:
    problem = make("5", "number")

    def pairs() -> Any:
        yield problem, "Answer: 5"
        yield problem, "Answer: 6"
        raise AssertionError("asked for too much")

    grades = grade_all(pairs())
    assert [next(grades).verdict, next(grades).verdict] == ["correct", "wrong"]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("\\frac{\\sqrt{3}}{2}", "So it's $\\boxed{\\frac{\\sqrt3}{2}}$."),
        ("x^2+1", "The answer is $1+x^2$."),
        ("x+y=3", "\\boxed{x+y-3=0}"),
        ("5\\pi", "The area is $A = 5\\pi$"),
        ("2\\sqrt{3}", "Answer: $2\\sqrt{3}$ because $x=1$"),
        ("\\text{Tuesday}", "\\boxed{Tuesday}"),
        ("[1,3)", "Answer: $[1, 3)$"),
        ("1,-2", "\\boxed{-2, 1}"),
        ("x=3", "Answer: 3"),
        ("1024", "\\boxed{2^{10}}"),
    ],
)
def test_formulas_are_compared_as_mathematics(reference: str, text: str) -> None:
    assert grade(make(reference), text).verdict == "correct"


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("0=0", "1=1"),
        ("x=x", "y=y"),
        ("0", "x^2+y^2-1=0"),
        ("|x|=-2", "\\sqrt{x}=-1"),
        ("x+y=3", "x+y=5"),
        ("11_2", "11_3"),
        ("(2,1)", "1,2"),
        ("(1,2)", "(2,1)"),
        ("5\\sqrt{2}", "5"),
        ("1", ""),
        ("x", "garbage \\frac{"),
    ],
)
def test_known_false_positives_of_the_algebra_are_refused(reference: str, answer: str) -> None:
    assert grade_answer(make(reference, "math"), answer).verdict == "wrong"


def test_a_comparison_that_never_ends_is_ungraded_and_the_next_one_works() -> None:
    worker = MathWorker(limit_s=0.3, program="import time; print('ready', flush=True); time.sleep(60)")
    start = time.monotonic()
    assert worker.compare("1", "x")[0] == "unknown"
    assert time.monotonic() - start < 10
    assert worker.compare("1", "x") == ("unknown", "the comparison took longer than 0.3 s")
    worker.close()


def test_algebra_that_explodes_is_stopped_and_its_worker_replaced() -> None:
    worker = MathWorker(limit_s=1.5)
    assert worker.compare("x+1", "1+x") == ("same", "")
    assert worker.compare("9^{9^{9^{9}}}+x", "9^{9^{9^{8}}}+x")[0] == "unknown"
    assert worker.compare("x+1", "x+2") == ("different", "")
    worker.close()


@pytest.mark.parametrize(
    "program", ["print('ready', flush=True); input(); raise SystemExit(3)", "raise SystemExit(1)", "print('ready')"]
)
def test_a_worker_that_dies_is_ungraded(program: str) -> None:
    worker = MathWorker(program=program)
    outcome, reason = worker.compare("1", "x")
    assert outcome == "unknown"
    assert reason
    worker.close()


def test_the_worker_process_is_reused() -> None:
    worker = MathWorker()
    worker.compare("x", "y")
    start = time.monotonic()
    for number in range(20):
        assert worker.compare(f"x+{number}", f"{number}+x") == ("same", "")
    assert time.monotonic() - start < 5
    worker.close()
