"""Instructions of other forms than `instructions`, held out to see whether following them transfers (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.pool.families.instructions import drawn, mistaken_text, verify_constraints
from workbench.pool.families.word_tasks import NOUNS, Kind, Task, exact_words
from workbench.pool.family import Family, WorkedSolution
from workbench.records import Problem

_COUNTING = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_SEPARATORS = {"slashes": " / ", "plus signs": " + ", "vertical bars": " | "}


def _parted(count: int, style: str) -> list[dict[str, Any]]:
    return [exact_words(count), {"kind": "item_count", "count": count, "separator": _SEPARATORS[style].strip()}]


def _initials(rng: Random, size: int) -> Task:
    """One word of a list for each letter of another word, in its order."""
    by_letter = {letter: [word for word in NOUNS if word[0] == letter] for letter in sorted({w[0] for w in NOUNS})}
    keys = [
        word
        for word in NOUNS
        if len(word) == min(size, 6)
        and len(set(word)) == len(word)
        and all(set(by_letter.get(letter, ())) - {word} for letter in word)
    ]
    key = rng.choice(keys)
    words = [rng.choice([word for word in by_letter[letter] if word != key]) for letter in key]
    shuffled = sorted(words) if sorted(words) != words else words[::-1]
    return {
        "question": f"Put these words in an order so that their first letters spell {key}; write them with spaces "
        f"between them and nothing else: {', '.join(shuffled)}.",
        "constraints": [exact_words(len(key)), {"kind": "order", "words": words}, {"kind": "subset", "words": words}],
        "key": key,
        "words": shuffled,
    }


def _solve_initials(task: Task, rng: Random) -> WorkedSolution:
    key, words = task["key"], task["words"]
    ordered = [next(word for word in words if word[0] == letter) for letter in key]
    return WorkedSolution(
        method="letter by letter",
        strategy=rng.choice((f"Spell {key} and find a word for each letter.", f"Go through the letters of {key}.")),
        tactics=tuple(f"{letter}: {word}" for letter, word in zip(key, ordered, strict=True)),
        check=f"{len(words)} words; first letters {' '.join(word[0] for word in ordered)} spell {key}.",
        answer=" ".join(ordered),
    )


def _avoided(rng: Random, size: int) -> Task:
    """So many words of a list without a letter."""
    letter, style = rng.choice("aeior"), rng.choice(list(_SEPARATORS))
    free = rng.sample([word for word in NOUNS if letter not in word], size)
    others = rng.sample([word for word in NOUNS if letter in word], max(2, size // 2))
    words = free + others
    rng.shuffle(words)
    allowed = [word for word in words if letter not in word]
    return {
        "question": f"Write only those of these words that have no letter {letter}, in the given order, with {style} "
        f"between them: {', '.join(words)}.",
        "constraints": [
            *_parted(size, style),
            {"kind": "order", "words": allowed},
            {"kind": "subset", "words": allowed},
        ],
        "letter": letter,
        "words": words,
        "style": style,
    }


def _solve_avoided(task: Task, rng: Random) -> WorkedSolution:
    letter, words, style = task["letter"], task["words"], task["style"]
    kept = [word for word in words if letter not in word]
    return WorkedSolution(
        method="test word by word",
        strategy=rng.choice((f"Spell each word and look for {letter}.", f"Drop every word that has {letter}.")),
        tactics=tuple(f"{' '.join(word)}: {'drop' if letter in word else 'keep'}" for word in words),
        check=f"{len(kept)} kept + {len(words) - len(kept)} dropped = {len(words)}; {style} between them.",
        answer=_SEPARATORS[style].join(kept),
    )


def _counted(rng: Random, size: int) -> Task:
    """Number words from one to another, up or down, and a last word."""
    start, style = rng.randint(1, len(_COUNTING) - size), rng.choice(list(_SEPARATORS))
    numbers, last = _COUNTING[start - 1 : start - 1 + size], rng.choice(NOUNS)
    numbers = numbers[::-1] if rng.random() < 0.5 else numbers
    return {
        "question": f"Write the numbers from {numbers[0]} to {numbers[-1]} as words and then the word {last}, "
        f"with {style} between them.",
        "constraints": [
            *_parted(size + 1, style),
            {"kind": "order", "words": [*numbers, last]},
            {"kind": "ends_with", "text": last},
        ],
        "ends": [numbers[0], numbers[-1]],
        "last": last,
        "style": style,
    }


def _solve_counted(task: Task, rng: Random) -> WorkedSolution:
    first, end = (_COUNTING.index(word) for word in task["ends"])
    step = 1 if end > first else -1
    numbers = [_COUNTING[place] for place in range(first, end + step, step)]
    return WorkedSolution(
        method="count up" if step > 0 else "count down",
        strategy=rng.choice(
            (f"Count {'up' if step > 0 else 'down'}, then add {task['last']}.", f"Numbers first, {task['last']} last.")
        ),
        tactics=(", ".join(f"{n} {word}" for n, word in enumerate(numbers, start=1)), f"At the end: {task['last']}"),
        check=f"{len(numbers)} numbers + 1 = {len(numbers) + 1} words; {numbers[0]} is first, {task['last']} last.",
        answer=_SEPARATORS[task["style"]].join((*numbers, task["last"])),
    )


_KINDS: dict[str, Kind] = {
    "initials": (_initials, _solve_initials),
    "avoided": (_avoided, _solve_avoided),
    "counted": (_counted, _solve_counted),
}


def draw_format(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws an instruction with its constraints; ``size``, from 3 to 7, is the number of words, roughly."""
    return drawn(_KINDS, rng, settings["size"])


def solve_format(problem: Problem, rng: Random) -> WorkedSolution:
    """Builds the answer piece by piece."""
    _, solve = _KINDS[problem.metadata["kind"]]
    return solve(problem.metadata["parts"], rng)


def recap_format(problem: Problem) -> str:
    """Counts the constraints."""
    return f"The answer is a text that must meet {len(problem.metadata['constraints'])} conditions at once."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="formats",
        domain="instruction following",
        answer_type="constraints",
        generator=draw_format,
        levels=tuple({"size": size} for size in (3, 4, 5, 6, 7)),
        solve=solve_format,
        keep=("kind", "constraints", "parts"),
        recap=recap_format,
        verify=verify_constraints,
        mistake=mistaken_text,
        unseen=True,
    ),
)
