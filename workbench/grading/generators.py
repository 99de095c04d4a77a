"""reasoning-gym's own scorers, behind a strict grammar of what may be handed to them.

Some of these scorers evaluate the answer, or the reference, as Python. Only text that matches the data
set's grammar below reaches them, and only a score of exactly 1.0 is a right answer: partial credit is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from workbench.errors import InputError

_LONGEST = 4_000

_INTEGER = r"[-+]?\d{1,30}"
_DECIMAL = r"[-+]?\d{1,30}(?:\.\d{1,30})?"
_THOUSANDS = r"[-+]?\d{1,3}(?:,\d{3}){1,10}(?:\.\d{1,30})?"
_NUMBER = rf"(?:{_DECIMAL}|{_THOUSANDS})"
_NAME = r"[^\W\d_][\w'’.-]{0,60}(?: [^\W\d_][\w'’.-]{0,60}){0,3}"
_ITEM = rf"(?:'{_DECIMAL}'|\"{_DECIMAL}\"|{_DECIMAL})"
_NUMBER_LIST = rf"\[\s?(?:{_ITEM}(?:,\s?{_ITEM})*)?\s?\]"
_WORD_LIST = r"[\w'’.-]{1,80}(?:, ?[\w'’.-]{1,80})*"
_YES_NO = r"(?i:yes|no)"

_GRAMMARS = {
    "chain_sum": _NUMBER,
    "products": _NUMBER,
    "leg_counting": _INTEGER,
    "gcd": _INTEGER,
    "lcm": _INTEGER,
    "simple_equations": _INTEGER,
    "simple_geometry": _DECIMAL,
    "fraction_simplification": r"\$?\s?(?:-?\d{1,30}\s?/\s?\d{1,30}|-?\\d?frac\{\d{1,30}\}\{\d{1,30}\})\s?\$?",
    "calendar_arithmetic": rf"(?:{_INTEGER}|{_YES_NO}|(?i:(?:mon|tues|wednes|thurs|fri|satur|sun)day))",
    "number_filtering": _NUMBER_LIST,
    "number_sorting": _NUMBER_LIST,
    "word_sequence_reversal": _WORD_LIST,
    "letter_counting": _INTEGER,
    "aiw": rf"(?:{_INTEGER}|{_NAME})",
    "needle_haystack": _NAME,
    "family_relationships": r"[A-Za-z]{1,30}(?:[- ][A-Za-z]{1,30}){0,3}",
    "word_sorting": _WORD_LIST,
    "spell_backward": r"[\w'’.-]{1,80}",
    "syllogism": _YES_NO,
}
"""What an answer may look like, by data set. Text that does not match it whole is wrong without being scored."""


def score_with_generator(dataset_name: str, entry: Mapping[str, Any], answer: str) -> bool:
    """Says whether reasoning-gym's own scorer gives ``answer`` a score of exactly 1.0.

    Args:
        dataset_name: the name of a reasoning-gym data set.
        entry: ``question``, ``answer`` and ``metadata`` as the data set made them.
        answer: an isolated answer, without the text around it.

    Returns:
        False also for an answer that does not match the data set's grammar and is never scored.

    Raises:
        InputError: where the data set has no grammar here, or the entry is not one of its entries.

    >>> score_with_generator("gcd", {"answer": "4", "metadata": {}}, "4")
    True
    >>> score_with_generator("gcd", {"answer": "4", "metadata": {}}, "__import__('os').system('ls')")
    False
    """
    if dataset_name not in _GRAMMARS:
        raise InputError(f"no answer grammar for data set {dataset_name!r}; use one of {', '.join(sorted(_GRAMMARS))}")
    grammar = _GRAMMARS[dataset_name]
    reference = entry.get("answer")
    if not isinstance(reference, str) or not _matches(grammar, reference):
        raise InputError(f"{dataset_name}: the entry's own answer does not match the data set's answer grammar")
    if not _matches(grammar, answer.strip()):
        return False
    try:
        return float(_scorer(dataset_name).score_answer(answer.strip(), dict(entry))) == 1.0
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{dataset_name}: the entry lacks what its scorer reads: {error}") from error


def _matches(grammar: str, answer: str) -> bool:
    return len(answer) <= _LONGEST and re.fullmatch(grammar, answer) is not None


@cache
def _scorer(dataset_name: str) -> Any:
    import reasoning_gym

    return reasoning_gym.create_dataset(dataset_name, seed=0, size=1)
