"""Is this answer right? The verdict on a text, by the type of its problem's answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from workbench.errors import InputError
from workbench.grading.cleaning import final_text, plain
from workbench.grading.constraints import best_candidate
from workbench.grading.extraction import answer_type, choice_index, extract, options_of
from workbench.grading.formulas import same_writing
from workbench.grading.lists import parse_list, same_items
from workbench.grading.math_worker import shared_worker
from workbench.grading.numbers import Number, number_in, parse_number, same_number
from workbench.grading.phrases import normalised, option_in, word_in
from workbench.records import Grade, Problem, Verdict

_UNFINISHED = re.compile(r"[\d\s.,+*/×·÷()x-]*")
"""Arithmetic that was written down and not worked out."""

Outcome = tuple[Verdict, str]
"""A verdict, and the reason in one line where it is not ``correct``."""


def grade(problem: Problem, text: str) -> Grade:
    """Finds the final answer in free text and compares it with the problem's.

    Returns:
        ``ungraded``, with a reason, where nobody can know: there is no reference answer, it cannot be
        read, or the comparison of two formulas ran out of time. ``wrong`` where no answer was found.

    Raises:
        InputError: where the problem's answer type or constraints are not known.

    >>> grade(Problem(id="1", question="12 + 35?", answer="47"), "12 + 35 = 47 apples").verdict
    'correct'
    """
    kind = answer_type(problem)
    if kind == "constraints":
        return _grade_constraints(problem, final_text(text))
    answer = extract(problem, text)
    if answer is not None:
        return grade_answer(problem, answer)
    if problem.answer is None:
        return _no_reference(kind, None)
    return Grade(verdict="wrong", grader=kind, reason="no answer was found")


def grade_answer(problem: Problem, answer: str) -> Grade:
    """Compares an answer that already stands alone, as `extract` returns it; otherwise as `grade`."""
    kind = answer_type(problem)
    if kind == "constraints":
        return _grade_constraints(problem, answer)
    if problem.answer is None or not problem.answer.strip():
        return _no_reference(kind, answer)
    verdict, reason = _COMPARE[kind](problem, problem.answer, answer)
    return Grade(verdict=verdict, extracted=answer, grader=kind, reason=reason)


def grade_all(pairs: Iterable[tuple[Problem, str]]) -> Iterator[Grade]:
    """Grades many texts in order, one at a time as they are asked for; formulas share one worker process."""
    for problem, text in pairs:
        yield grade(problem, text)


def _no_reference(kind: str, answer: str | None) -> Grade:
    return Grade(verdict="ungraded", extracted=answer, grader=kind, reason="the problem has no reference answer")


def _grade_constraints(problem: Problem, text: str) -> Grade:
    constraints = problem.metadata.get("constraints")
    if not constraints:
        return Grade(verdict="ungraded", grader="constraints", reason="the problem has no constraints")
    if not isinstance(constraints, list | tuple):
        raise InputError(f'problem {problem.id}: metadata "constraints" must be a list')
    candidate, violations = best_candidate(text, constraints)
    verdict: Verdict = "wrong" if violations else "correct"
    return Grade(verdict=verdict, extracted=candidate, grader="constraints", reason="; ".join(violations))


def _verdict(is_same: bool, reference: str, answer: str) -> Outcome:
    return ("correct", "") if is_same else ("wrong", f"{_short(answer)} is not {_short(reference)}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


def _unreadable(reference: str, kind: str) -> Outcome:
    return "ungraded", f"the reference answer {_short(reference)} is not a {kind}"


def _compare_numbers(problem: Problem, reference: str, answer: str) -> Outcome:
    wanted, given = _read_number(reference), _read_number(answer)
    if wanted is None:
        return _unreadable(reference, "number")
    if given is None and (problem.metadata.get("answer_type") or _UNFINISHED.fullmatch(plain(answer))):
        return "wrong", f"{_short(answer)} is not a number"
    if given is None:
        return _compare_formulas(problem, reference, answer)
    return _verdict(same_number(wanted, given, _tolerance(problem)), reference, answer)


def _compare_fractions(problem: Problem, reference: str, answer: str) -> Outcome:
    """As numbers, and a written fraction in lowest terms where the reference is: 6/8 simplifies nothing."""
    wanted, given = _read_number(reference), _read_number(answer)
    if wanted is not None and given is not None and wanted.is_lowest and not given.is_lowest:
        return "wrong", f"{_short(answer)} is not in lowest terms"
    return _compare_numbers(problem, reference, answer)


def _read_number(text: str) -> Number | None:
    """The number that ``text`` is, or that it states outright, such as ``12 + 35 = 47``."""
    text = plain(text).strip()
    number, is_direct = number_in(text)
    return parse_number(text) or (number if is_direct else None)


def _tolerance(problem: Problem) -> Fraction:
    value = problem.metadata.get("tolerance", 0)
    try:
        tolerance = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        tolerance = Fraction(-1)
    if tolerance < 0:
        raise InputError(f'problem {problem.id}: metadata "tolerance" must be a number of at least 0, not {value!r}')
    return tolerance


def _compare_words(problem: Problem, reference: str, answer: str) -> Outcome:
    options = options_of(problem)
    given = (option_in(plain(answer), options)[0] if options else word_in(answer)) or answer
    is_same = normalised(reference) in {normalised(answer), normalised(given)}
    return _verdict(is_same, reference, answer)


def _compare_choices(problem: Problem, reference: str, answer: str) -> Outcome:
    wanted = choice_index(problem, reference)
    if wanted is None:
        return _unreadable(reference, "choice of the problem's")
    return _verdict(choice_index(problem, answer) == wanted, reference, answer)


def _compare_lists(problem: Problem, reference: str, answer: str) -> Outcome:
    wanted, given = parse_list(plain(reference)), parse_list(plain(answer))
    if wanted is None:
        return _unreadable(reference, "list")
    return _verdict(given is not None and same_items(wanted, given), reference, answer)


def _compare_phrases(problem: Problem, reference: str, answer: str) -> Outcome:
    return _verdict(normalised(reference) == normalised(answer), reference, answer)


def _compare_formulas(problem: Problem, reference: str, answer: str) -> Outcome:
    if same_writing(reference, answer):
        return "correct", ""
    wanted, given = parse_number(plain(reference).strip()), parse_number(plain(answer).strip())
    if wanted is not None and given is not None:
        return _verdict(same_number(wanted, given), reference, answer)
    outcome, reason = shared_worker().compare(reference, answer)
    if outcome == "unknown":
        return "ungraded", reason
    return _verdict(outcome == "same", reference, answer)


_COMPARE: dict[str, Callable[[Problem, str, str], Outcome]] = {
    "number": _compare_numbers,
    "fraction": _compare_fractions,
    "word": _compare_words,
    "choice": _compare_choices,
    "list": _compare_lists,
    "text": _compare_phrases,
    "math": _compare_formulas,
}
