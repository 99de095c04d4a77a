"""Words and their letters: reversing a list of words, and counting a letter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from workbench.pool.family import Family, WorkedSolution
from workbench.records import Problem

_LONG_LIST = 5
"""From this many words on, a list is read back in two parts."""
_LONG_SPAN = 22
"""Letters; beyond it, only the words that have the letter are spelled."""


def solve_reversal(problem: Problem, rng: Random) -> WorkedSolution:
    """Numbers the words and reads them from the last number down."""
    words: list[str] = list(problem.metadata["words"])
    count = len(words)
    numbered = list(enumerate(words, start=1))
    back = numbered[::-1]
    if count < _LONG_LIST:
        method, aim = "read back", f"read from {count} down to 1"
        parts: tuple[str, ...] = (f"Read back: {_numbered(back)}",)
    else:
        method, aim, half = "read back in two parts", "read back the second part, then the first", count // 2
        parts = (f"Second part back: {_numbered(back[: count - half])}", f"First part back: {_numbered(back[-half:])}")
    return WorkedSolution(
        method=method,
        strategy=rng.choice((f"Number the {count} words, then {aim}.", f"Give the {count} words numbers and {aim}.")),
        tactics=(f"Numbered: {_numbered(numbered)}", *parts),
        check=f"{count} words; {words[-1]} went from last to first, {words[0]} from first to last.",
        answer=", ".join(reversed(words)),
    )


def _numbered(pairs: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{number} {word}" for number, word in pairs)


def solve_counting(problem: Problem, rng: Random) -> WorkedSolution:
    """Spells the words, numbers each hit, and checks with the counts per word."""
    words: list[str] = [word.lower() for word in problem.metadata["span"]]
    letter: str = problem.metadata["target_letter"]
    counts = [word.count(letter) for word in words]
    spell_all = sum(map(len, words)) <= _LONG_SPAN
    tactics, total = [], 0
    for word, count in zip(words, counts, strict=True):
        spelled = count or spell_all
        tactics.append(f"{word}: {_spelled(word, letter, total) if spelled else f'no {letter}'}")
        total += count
    if spell_all:
        method, aim = "spell every word", f"spell every word and number each {letter}"
    else:
        method, aim = "spell the words that have it", f"spell only the words with {letter} and number each {letter}"
    strategy = rng.choice((f"A word hides its letters: {aim}.", f"Letters are easy to miss, so {aim}."))
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(tactics),
        check=f"{letter} per word: {' + '.join(map(str, counts))} = {total}.",
        answer=str(total),
    )


def _spelled(word: str, letter: str, before: int) -> str:
    """The letters set apart, each hit with its running number.

    >>> _spelled("these", "e", 3)
    't h e(4) s e(5)'
    """
    parts = []
    for character in word:
        before += character == letter
        parts.append(f"{character}({before})" if character == letter else character)
    return " ".join(parts)


def _sizes(spans: Sequence[tuple[int, int]]) -> tuple[dict[str, int], ...]:
    return tuple({"min_words": low, "max_words": high} for low, high in spans)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="word_sequence_reversal",
        domain="strings",
        answer_type="list",
        generator="word_sequence_reversal",
        levels=_sizes(((3, 3), (4, 4), (5, 6))),
        solve=solve_reversal,
        keep=("words",),
    ),
    Family(
        name="letter_counting",
        domain="strings",
        answer_type="number",
        generator="letter_counting",
        levels=_sizes(((3, 3), (4, 4), (5, 6))),
        solve=solve_counting,
        keep=("span", "target_letter"),
    ),
)
