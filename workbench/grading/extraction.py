"""From free text to the answer it gives: marked regions from the last to the first, then a typed fallback.

The same rules hold for every student and every arm of a comparison. They ask for no particular format,
so that a measured gain is one of reasoning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.grading.cleaning import final_text, plain, trimmed
from workbench.grading.formulas import formula_in, last_formula
from workbench.grading.lists import last_list, parse_list
from workbench.grading.numbers import Number, last_number, number_in, parse_number, stands_alone
from workbench.grading.phrases import (
    LETTERS,
    choice_in,
    last_choice,
    last_phrase,
    last_word,
    mentions,
    option_in,
    phrase_in,
    word_in,
)
from workbench.grading.regions import Region, find_regions
from workbench.records import Problem


@dataclass(frozen=True, slots=True)
class Reader:
    """How answers of one type are found."""

    in_region: Callable[[Problem, Region], str | None]
    """Reads a marked region; ``None`` where it holds no answer of the type."""
    in_text: Callable[[Problem, str], str | None]
    """Reads a text, or the end of one, that has no telling marker."""


def answer_type(problem: Problem) -> str:
    """Returns how the problem's answers are read: ``metadata["answer_type"]``, else by the reference's look.

    Raises:
        InputError: naming an answer type that does not exist.
    """
    named = problem.metadata.get("answer_type")
    if named is not None:
        if named not in READERS and named != "constraints":
            known = ", ".join(sorted([*READERS, "constraints"]))
            raise InputError(f"problem {problem.id}: answer_type {named!r} is not known; use one of {known}")
        return str(named)
    if problem.metadata.get("constraints"):
        return "constraints"
    if problem.choices:
        return "choice"
    return "number" if problem.answer and parse_number(plain(problem.answer).strip()) else "math"


def extract(problem: Problem, text: str) -> str | None:
    """Returns the answer that ``text`` gives to ``problem``, as text; ``None`` where there is none.

    The last explicit marker whose region holds an answer of the problem's type decides: ``Answer:``,
    ``the answer is``, ``\\boxed{…}``, ``#### x``. Without one, the text's end is read by type: its last
    number, the last option it names, the last list. For ``constraints`` the whole text is the answer.

    Raises:
        InputError: naming an answer type that does not exist.

    >>> problem = Problem(id="1", question="12 + 35?", answer="47")
    >>> extract(problem, "12 + 35 = 47. The answer is 47 (12 + 35).")
    '47'
    """
    kind, text = answer_type(problem), final_text(text)
    if kind == "constraints":
        return text.strip() or None
    reader = READERS[kind]
    for region in reversed(find_regions(text)):
        answer = reader.in_region(problem, region)
        if answer:
            return answer
    return reader.in_text(problem, text) or None


def options_of(problem: Problem) -> list[str]:
    """Returns ``metadata["options"]``.

    Raises:
        InputError: where they are not a list of texts.
    """
    options = problem.metadata.get("options") or []
    if not isinstance(options, list | tuple) or not all(isinstance(option, str) for option in options):
        raise InputError(f'problem {problem.id}: metadata "options" must be a list of texts')
    return list(options)


_HEADING = re.compile(r"\s*\d+[.)]\s+\D")


def _opens_solution(region: Region, is_direct: bool) -> bool:
    """True where ``Answer:`` begins a worked solution instead of naming its result."""
    return region.kind == "header" and not is_direct and bool(region.tail.strip())


def _number_in_region(problem: Problem, region: Region) -> str | None:
    text = plain(region.text)
    number, is_direct = number_in(text)
    if region.kind == "boxed":
        return number.text if number and is_direct and _is_only_number(text) else trimmed(region.text)
    if region.kind == "hashes" and (not is_direct or ":" in text or _HEADING.match(text)):
        return None
    if _opens_solution(region, number is not None and is_direct and _is_result(text, number, region.tail)):
        number, is_direct = last_number(plain(region.text + "\n" + region.tail)), False
    if number is None:
        return trimmed(text) if is_direct else None
    return number.text


def _is_result(text: str, number: Number, tail: str) -> bool:
    """True where a line gives a value and at most its unit and a reason; an equation may be a solution's first."""
    return stands_alone(text, number) and ("=" not in text or "=" not in tail)


def _is_only_number(text: str) -> bool:
    """``5`` and ``2 + 3 = 5`` are; ``5 + x`` is a formula."""
    return parse_number(text.rpartition("=")[2].strip()) is not None


def _number_in_text(problem: Problem, text: str) -> str | None:
    number = last_number(plain(text))
    return number.text if number else None


def _word_in_region(problem: Problem, region: Region) -> str | None:
    options = options_of(problem)
    if not options:
        return word_in(region.text)
    option, is_direct = option_in(plain(region.text), options)
    if _opens_solution(region, is_direct):
        return _last_option(region.tail, options) or option
    return option


def _word_in_text(problem: Problem, text: str) -> str | None:
    options = options_of(problem)
    return _last_option(text, options) if options else last_word(text)


def _last_option(text: str, options: list[str]) -> str | None:
    found = mentions(plain(text), options)
    return found[-1][0] if found else None


def _choice_in_region(problem: Problem, region: Region) -> str | None:
    choices = problem.choices or ()
    letter, is_direct = choice_in(plain(region.text), choices)
    if _opens_solution(region, is_direct):
        return last_choice(plain(region.tail), choices) or letter
    return letter


def _choice_in_text(problem: Problem, text: str) -> str | None:
    return last_choice(plain(text), problem.choices or ())


def _list_in_region(problem: Problem, region: Region) -> str | None:
    block = plain(region.block).strip()
    return block if parse_list(block) is not None else None


def _list_in_text(problem: Problem, text: str) -> str | None:
    return last_list(plain(text))


def _phrase_in_region(problem: Problem, region: Region) -> str | None:
    return phrase_in(region.text)


def _phrase_in_text(problem: Problem, text: str) -> str | None:
    return last_phrase(text)


def _formula_in_region(problem: Problem, region: Region) -> str | None:
    if region.kind == "boxed":
        return trimmed(region.text) or None
    if _opens_solution(region, is_direct=not re.match(r"[A-Za-z]{2,}\s", region.text)):
        return last_formula(region.text + "\n" + region.tail)
    return formula_in(region.text)


def _formula_in_text(problem: Problem, text: str) -> str | None:
    return last_formula(text)


_NUMBER = Reader(_number_in_region, _number_in_text)
READERS = {
    "number": _NUMBER,
    "fraction": _NUMBER,
    "word": Reader(_word_in_region, _word_in_text),
    "choice": Reader(_choice_in_region, _choice_in_text),
    "list": Reader(_list_in_region, _list_in_text),
    "text": Reader(_phrase_in_region, _phrase_in_text),
    "math": Reader(_formula_in_region, _formula_in_text),
}


def choice_index(problem: Problem, answer: str) -> int | None:
    """Returns which choice an answer means, from 0: by the choice's own text first, then by its letter."""
    letter, _ = choice_in(plain(answer), problem.choices or ())
    return LETTERS.index(letter) if letter else None
