"""How sound a trace is by itself: its arithmetic computed again, and whether its check checks anything (ours)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from workbench.curation.text import is_number, words
from workbench.records import Trace

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CHAIN = rf"(?:{_NUMBER})(?:\s*[-+*/\u00d7\u00f7\u00b7\u2212]\s*(?:{_NUMBER}))*"
_EQUATION = re.compile(rf"({_CHAIN})\s*=\s*\$?(-?)({_CHAIN})")
_PART = re.compile(rf"{_NUMBER}|[-+*/\u00d7\u00f7\u00b7\u2212]")
_SIGNS = str.maketrans({"\u00d7": "*", "\u00b7": "*", "\u00f7": "/", "\u2212": "-"})
_BEFORE = frozenset("+-*/^=%\\({[<>|\u00d7\u00f7\u00b7\u2212!")
"""In front of an equation's left side: it is a part of something longer."""
_AFTER = frozenset("+*/^_:%!=\\({<>|\u00d7\u00f7\u00b7")
_GOES_ON = re.compile(r"(?:\d|\b[xX]|\\[a-z]+)$")
"""Before the left side, spaces aside: another digit group, a letter that stands for times, a command of LaTeX."""
_TOUCHES = re.compile(r"[\w.,:]")
"""Right before it, without a space."""
_MORE = re.compile(r"\s*[-\u2212]\s*\d|[.,]\d|\s\d|\s*\\[a-z]+\s*\d")
_REMAINDER = re.compile(r"\s*(?:r\b|rem|with|\(|mod|and\s+\d+\s+(?:left|over|rem))", re.IGNORECASE)
_ROUTE = 0.5
"""Share of a check's word pairs that the steps do not have, from which it goes another way."""


def soundness(trace: Trace) -> float:
    """Returns how much of a trace's arithmetic holds: 1 where all does or there is none, 0 where half is wrong."""
    texts = [step.text for step in trace.steps] or [trace.reasoning or ""]
    results = [holds for text in texts if "=" in text for holds in equations(text)]
    return max(0.0, 1 - 2 * results.count(False) / len(results)) if results else 1.0


def equations(text: str) -> Iterator[bool]:
    """Yields, for each equation between plain numbers that a text states, whether it holds.

    Parts of longer formulas, other number systems, clock times and divisions with remainder are left alone; a
    result may be rounded to the digits that it has.

    >>> list(equations("3 + 4 * 2 = 11, so 10 / 3 = 3.33 and 2 + 2 = 5; but 2x + 3 = 9 says nothing."))
    [True, True, False]
    """
    for found in _EQUATION.finditer(text):
        left, sign, right = found.groups()
        if not (_is_formula(left) or _is_formula(right)) or _is_part(text, found):
            continue
        want, have = _value(left), _value(right)
        if want is not None and have is not None:
            yield abs(want - (-have if sign else have)) <= _tolerance(right)


def _is_formula(chain: str) -> bool:
    return len(_PART.findall(chain)) > 1


def _is_part(text: str, found: re.Match[str]) -> bool:
    """Whether an equation goes on beyond what was matched, or its numbers may be no decimal ones."""
    before, after = text[: found.start()][-40:].rstrip("$ \t"), text[found.end() :][:40]
    if (before and before[-1] in _BEFORE) or _GOES_ON.search(before) or _TOUCHES.match(text[: found.start()][-1:]):
        return True
    follows = after.lstrip()[:1]
    if after[:1].isalnum() or follows in _AFTER or _MORE.match(after):
        return True
    numbers = [part for side in (found.group(1), found.group(3)) for part in _PART.findall(side) if len(part) > 2]
    is_binary = len(numbers) > 1 and all(set(number) <= {"0", "1"} for number in numbers)
    return is_binary or ("/" in found.group(1) and _REMAINDER.match(after) is not None)


def _value(chain: str) -> float | None:
    """Multiplication and division before addition and subtraction; ``None`` where it divides by 0."""
    parts = [part.translate(_SIGNS).replace(",", "") for part in _PART.findall(chain)]
    terms, sign = [], 1.0
    value = float(parts[0])
    for operator, number in zip(parts[1::2], parts[2::2], strict=True):
        if operator == "*":
            value *= float(number)
        elif operator == "/":
            if not float(number):
                return None
            value /= float(number)
        else:
            terms.append(sign * value)
            sign, value = (1.0 if operator == "+" else -1.0), float(number)
    return sum(terms) + sign * value


def _tolerance(right: str) -> float:
    """Half a unit of the last digit that is written, where digits follow a point."""
    digits = len(right.rpartition(".")[2]) if "." in right and not _is_formula(right) else 0
    return float(0.5001 * 10**-digits) if digits else 1e-6


def check_strength(trace: Trace) -> float:
    """Returns how much a trace's check checks, in [0, 1].

    A check that goes another way than the steps, by at least half of its pairs of words and numbers, and comes
    to the answer counts whole; one that does only one of the two, half; one that repeats what was said, a fifth;
    no check, nothing.
    """
    check = [word for step in trace.steps if step.role == "check" for word in words(step.text)]
    if not check:
        return 0.0
    own = set(pairwise(check))
    told = {pair for step in trace.steps if step.role == "tactic" for pair in pairwise(words(step.text))}
    another_way = len(own - told) >= _ROUTE * len(own) and any(map(is_number, check)) >= _has_numbers(told)
    reaches = _contains(check, words(trace.answer or ""))
    return 1.0 if another_way and reaches else 0.5 if another_way or reaches else 0.2


def _has_numbers(pairs: Iterable[tuple[str, str]]) -> bool:
    return any(is_number(word) for pair in pairs for word in pair)


def _contains(text: Sequence[str], part: Sequence[str]) -> bool:
    """Whether some words stand in a text one after the other."""
    if not part:
        return False
    return any(text[place : place + len(part)] == part for place in range(len(text) - len(part) + 1))
