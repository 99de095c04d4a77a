"""Words and their letters: reversing a list of words, and counting a letter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution, agreement, counted
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
        tactics=(*tactics, f"{' + '.join(map(str, counts))} = {sum(counts)}") if len(words) > 1 else tuple(tactics),
        check=f"{letter} stands in {sum(count > 0 for count in counts)} of {counted(len(words), 'word')}.",
        answer=str(sum(counts)),
    )


def _spelled(word: str) -> str:
    """Letters set apart are tokens of their own, which a word's token hides.

    >>> _spelled("these")
    't h e s e'
    """
    return " ".join(word)


def verify_reversal(problem: Problem, answer: str) -> Finding:
    """Turns the answer round again and compares it place by place."""
    words, again = list(problem.metadata["words"]), answer.split(", ")[::-1]
    for place, (given, found) in enumerate(zip_longest(words, again, fillvalue="nothing"), start=1):
        if given != found:
            return Finding(f"Turned round again, place {place} has {found}, but {given} is given.", False)
    return Finding(f"Turned round again: {', '.join(again)}, as given.", True)


def mistaken_reversal(problem: Problem, answer: str, rng: Random) -> str:
    """Swaps two neighbours, or loses a word."""
    words = answer.split(", ")
    place = rng.randrange(len(words) - 1)
    swapped = [*words[:place], words[place + 1], words[place], *words[place + 2 :]]
    return ", ".join(swapped if swapped != words and rng.random() < 0.5 else words[:place] + words[place + 1 :])


def recap_reversal(problem: Problem) -> str:
    """Counts the words."""
    return f"{len(problem.metadata['words'])} words are given, and the last one has to come first."


def verify_counting(problem: Problem, answer: str) -> Finding:
    """Counts the other letters instead."""
    words: list[str] = [word.lower() for word in problem.metadata["span"]]
    letter: str = problem.metadata["target_letter"]
    total, others = sum(map(len, words)), sum(one != letter for word in words for one in word)
    route = f"{counted(total, 'letter')} in all, {others} of them not {letter}: {total} - {others} = {total - others}"
    return agreement(route, total - others, answer)


def recap_counting(problem: Problem) -> str:
    """Names letter and words."""
    words = counted(len(problem.metadata["span"]), "word")
    return f"The letter {problem.metadata['target_letter']} is to be counted in {words}."


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
        core=True,
        recap=recap_reversal,
        verify=verify_reversal,
        mistake=mistaken_reversal,
        easier=_sizes(((2, 2),)),
        harder=_sizes(((10, 14),)),
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
        core=True,
        recap=recap_counting,
        verify=verify_counting,
        easier=_sizes(((1, 1),)),
        harder=_sizes(((12, 15),)),
    ),
)
