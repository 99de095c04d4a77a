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
    """Spells the words, counts in each, and adds up; in a long text only the words that have the letter."""
    words: list[str] = [word.lower() for word in problem.metadata["span"]]
    letter: str = problem.metadata["target_letter"]
    counts = [word.count(letter) for word in words]
    if sum(map(len, words)) <= _LONG_SPAN:
        method = "spell every word"
        strategy = rng.choice(
            (f"Spell every word and count each {letter}.", f"Letters hide: spell all, count each {letter}.")
        )
        tactics = [f"{word}: {_spelled(word)}: {count}" for word, count in zip(words, counts, strict=True)]
    else:
        method = "spell the words that have it"
        strategy = rng.choice((f"Spell only the words with {letter}.", f"Skip the words without {letter}."))
        tactics = [
            f"{word}: {_spelled(word)}: {count}" if count else f"{word}: 0"
            for word, count in zip(words, counts, strict=True)
        ]
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=(*tactics, f"{' + '.join(map(str, counts))} = {sum(counts)}"),
        check=f"{letter} stands in {sum(count > 0 for count in counts)} of {len(words)} words.",
        answer=str(sum(counts)),
    )


def _spelled(word: str) -> str:
    """Letters set apart are tokens of their own, which a word's token hides.

    >>> _spelled("these")
    't h e s e'
    """
    return " ".join(word)


def _sizes(spans: Sequence[tuple[int, int]]) -> tuple[dict[str, int], ...]:
    return tuple({"min_words": low, "max_words": high} for low, high in spans)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="word_sequence_reversal",
        domain="strings",
        answer_type="list",
        generator="word_sequence_reversal",
        levels=_sizes(((3, 3), (3, 4), (4, 5))),
        solve=solve_reversal,
        keep=("words",),
        unseen=True,
    ),
    Family(
        name="letter_counting",
        domain="strings",
        answer_type="number",
        generator="letter_counting",
        levels=_sizes(((2, 2), (3, 3), (4, 4))),
        solve=solve_counting,
        keep=("span", "target_letter"),
    ),
)
