"""Instructions about lists of words: how often, in which order, which of them, in which letters (ours)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from workbench.pool.family import WorkedSolution

Task = dict[str, Any]
"""What one instruction asks for: its ``question``, its ``constraints`` and the parts it is made of."""
Constraint = dict[str, Any]
"""A ``kind`` and what it says, as `workbench.grading` checks it."""
Kind = tuple[Callable[[Random, int], Task], Callable[[Task, Random], WorkedSolution]]
"""Draws a task of a size from 3 (easy) to 5, and solves one."""

_NOUN_LIST = (
    "apple arrow basket beach bell bench bird boat book bottle box bread bridge brush bus cake camera candle car "
    "carpet castle chair clock cloud coat coin cup desk dish door drum egg engine farm feather field fire fish flag "
    "flower forest fork garden gate glass hat hill horse house island jacket jar kettle key king kitchen kite ladder "
    "lake lamp leaf lemon letter lion map market mirror moon mountain needle nest ocean onion orange oven paint "
    "paper pencil phone piano picture pillow planet plate pocket queen radio rain ring river road robot rock roof rope "
    "salt school sheep shell ship shoe snow soap spoon star stone street sugar sun table teacher tent ticket tower "
    "train tree umbrella valley village violin wagon wall water wheel window wood yard zebra"
)
NOUNS = tuple(_NOUN_LIST.split())
_SEPARATORS = {"commas": ",", "semicolons": ";"}


def _copies(rng: Random, size: int) -> Task:
    """Each word a given number of times; two words above the easiest level."""
    words = rng.sample(NOUNS, 1 if size == 3 else 2)
    times = [rng.randint(2, 6 if size == 3 else size - 1) for _ in words]
    style = rng.choice(list(_SEPARATORS))
    wanted = " and then the word ".join(
        f"{word} exactly {count} times" for word, count in zip(words, times, strict=True)
    )
    repeats = [{"kind": "repeat", "word": word, "times": n} for word, n in zip(words, times, strict=True)]
    return {
        "question": f"Write the word {wanted}, separated by {style}.",
        "constraints": [*_listed(sum(times), style), *repeats, {"kind": "order", "words": words}],
        "words": words,
        "times": times,
        "style": style,
    }


def _solve_copies(task: Task, rng: Random) -> WorkedSolution:
    words, times, style = task["words"], task["times"], task["style"]
    pairs = list(zip(words, times, strict=True))
    copies = [word for word, count in pairs for _ in range(count)]
    total = " + ".join(map(str, times)) + (f" = {len(copies)}" if len(times) > 1 else "")
    return WorkedSolution(
        method="count while writing",
        strategy=rng.choice(
            (
                f"Exact counts and {style}: number the copies.",
                f"Count each copy, since it must be exact; {style} between.",
            )
        ),
        tactics=tuple(", ".join(f"{n} {word}" for n in range(1, count + 1)) for word, count in pairs),
        check=f"{total} words, so {_marks(len(copies), style)} between them.",
        answer=_join(copies, style),
    )


def _backwards(rng: Random, size: int) -> Task:
    """Capital letters and reverse order at once."""
    words, style = rng.sample(NOUNS, size), rng.choice(list(_SEPARATORS))
    capitals = [word.upper() for word in reversed(words)]
    return {
        "question": f"Write these words in capital letters and in reverse order, separated by {style}: "
        f"{', '.join(words)}.",
        "constraints": [
            *_listed(size, style),
            {"kind": "case", "value": "upper"},
            {"kind": "order", "words": capitals},
        ],
        "words": words,
        "style": style,
    }


def _solve_backwards(task: Task, rng: Random) -> WorkedSolution:
    words, style = task["words"], task["style"]
    back = words[::-1]
    return WorkedSolution(
        method="one change at a time",
        strategy=rng.choice(
            (f"Reverse order, capitals, {style}: one change at a time.", f"First the order, then capitals and {style}.")
        ),
        tactics=(f"Reverse order: {', '.join(back)}", f"Capitals: {', '.join(back).upper()}"),
        check=f"{len(words)} words, {_marks(len(words), style)}, all capitals; {back[0].upper()} was last.",
        answer=_join(back, style).upper(),
    )


def _small(rng: Random, size: int) -> Task:
    """Small letters, the same order."""
    words, style = rng.sample(NOUNS, size), rng.choice(list(_SEPARATORS))
    return {
        "question": f"Write these words in small letters and keep their order, separated by {style}: "
        f"{', '.join(words).upper()}.",
        "constraints": [*_listed(size, style), {"kind": "case", "value": "lower"}, {"kind": "order", "words": words}],
        "words": words,
        "style": style,
    }


def _solve_small(task: Task, rng: Random) -> WorkedSolution:
    words, style = task["words"], task["style"]
    return WorkedSolution(
        method="one change at a time",
        strategy=rng.choice(
            (f"Small letters, same order, {style}: go word by word.", f"Change each word alone, then put {style}.")
        ),
        tactics=tuple(f"{word.upper()} becomes {word}" for word in words),
        check=f"{len(words)} words, {_marks(len(words), style)}, no capitals; {words[0]} is still first.",
        answer=_join(words, style),
    )


def _alphabet(rng: Random, size: int) -> Task:
    """Alphabetical order of words whose first letters differ; they never stand in it already."""
    by_letter = {word[0]: word for word in rng.sample(NOUNS, len(NOUNS))}
    words, style = rng.sample(list(by_letter.values()), size), rng.choice(list(_SEPARATORS))
    words = words if words != sorted(words) else words[::-1]
    return {
        "question": f"Write these words in alphabetical order, separated by {style}: {', '.join(words)}.",
        "constraints": [
            *_listed(size, style),
            {"kind": "subset", "words": words},
            {"kind": "order", "words": sorted(words)},
        ],
        "words": words,
        "style": style,
    }


def _solve_alphabet(task: Task, rng: Random) -> WorkedSolution:
    words, style = task["words"], task["style"]
    letters = [word[0] for word in words]
    ordered = sorted(letters)
    return WorkedSolution(
        method="sort by first letter",
        strategy=rng.choice(
            (
                f"All first letters differ, so sort by them; {style} between.",
                f"Sort by the first letters, then put {style}.",
            )
        ),
        tactics=(
            f"First letters: {', '.join(f'{word} {letter}' for word, letter in zip(words, letters, strict=True))}",
            f"In the alphabet: {', '.join(ordered)}",
        ),
        check=f"{len(words)} words, {_marks(len(words), style)}; {ordered[0]} comes first, {ordered[-1]} last.",
        answer=_join(sorted(words), style),
    )


def _initial(rng: Random, size: int) -> Task:
    """The words of a list that start with one letter, two of them or more."""
    letter = rng.choice([c for c in "bcfklprsw" if sum(word[0] == c for word in NOUNS) > size])
    hits = rng.sample([word for word in NOUNS if word[0] == letter], rng.randint(2, size - 1))
    others = rng.sample([word for word in NOUNS if word[0] != letter], size + 1 - len(hits))
    words, style = hits + others, rng.choice(list(_SEPARATORS))
    rng.shuffle(words)
    hits = [word for word in words if word[0] == letter]
    return {
        "question": f"Write only the words that start with {letter}, in the given order, separated by {style}: "
        f"{', '.join(words)}.",
        "constraints": [
            *_listed(len(hits), style),
            {"kind": "each_starts_with", "letter": letter, "separator": _SEPARATORS[style]},
            {"kind": "subset", "words": words},
            {"kind": "order", "words": hits},
        ],
        "words": words,
        "letter": letter,
        "style": style,
    }


def _solve_initial(task: Task, rng: Random) -> WorkedSolution:
    words, letter, style = task["words"], task["letter"], task["style"]
    hits = [word for word in words if word[0] == letter]
    return WorkedSolution(
        method="test word by word",
        strategy=rng.choice(
            (
                f"Keep the order and only words with {letter} first: test each.",
                f"Test each word in order: is its first {letter}?",
            )
        ),
        tactics=tuple(f"{word}: {word[0]}, {'keep' if word[0] == letter else 'drop'}" for word in words),
        check=f"{len(hits)} kept + {len(words) - len(hits)} dropped = {len(words)} words; "
        f"all kept start with {letter}.",
        answer=_join(hits, style),
    )


def _without(rng: Random, size: int) -> Task:
    """A free choice from a list, with words that are not allowed."""
    words, style = rng.sample(NOUNS, size + 1), rng.choice(list(_SEPARATORS))
    banned = rng.sample(words, 1 if size < 5 else 2)
    count = rng.randint(2, size - len(banned))
    return {
        "question": f"Write exactly {count} of these words, but not {' or '.join(banned)}, separated by {style}: "
        f"{', '.join(words)}.",
        "constraints": [
            *_listed(count, style),
            {"kind": "subset", "words": [word for word in words if word not in banned]},
            {"kind": "excludes", "words": banned},
        ],
        "words": words,
        "banned": banned,
        "count": count,
        "style": style,
    }


def _solve_without(task: Task, rng: Random) -> WorkedSolution:
    words, banned, count, style = task["words"], task["banned"], task["count"], task["style"]
    allowed = [word for word in words if word not in banned]
    taken = allowed[:count]
    return WorkedSolution(
        method="drop, then choose",
        strategy=rng.choice(
            (
                f"{count} words, some not allowed: drop those, then choose.",
                f"Any {count} allowed words will do: drop first.",
            )
        ),
        tactics=(
            f"Not allowed: {', '.join(banned)}",
            f"Allowed: {', '.join(allowed)}",
            f"Take {count}: {', '.join(f'{n} {word}' for n, word in enumerate(taken, start=1))}",
        ),
        check=f"{count} words, {_marks(count, style)}, no {' and no '.join(banned)}.",
        answer=_join(taken, style),
    )


def exact_words(count: int) -> Constraint:
    """Returns the constraint of a length in words."""
    return {"kind": "word_count", "min": count, "max": count}


def _listed(count: int, style: str) -> list[Constraint]:
    """So many words and nothing else, set apart in the style that was asked for."""
    return [exact_words(count), {"kind": "item_count", "count": count, "separator": _SEPARATORS[style]}]


def _join(words: Sequence[str], style: str) -> str:
    return f"{_SEPARATORS[style]} ".join(words)


def _marks(count: int, style: str) -> str:
    """The separators between ``count`` items, such as ``1 comma``."""
    return f"{count - 1} {style if count > 2 else style.removesuffix('s')}"


def join_and(words: Sequence[str]) -> str:
    """Returns two or more words as a phrase.

    >>> join_and(["key", "lamp", "map"])
    'key, lamp and map'
    """
    return f"{', '.join(words[:-1])} and {words[-1]}"


WORD_KINDS: dict[str, Kind] = {
    "copies": (_copies, _solve_copies),
    "backwards": (_backwards, _solve_backwards),
    "small": (_small, _solve_small),
    "alphabet": (_alphabet, _solve_alphabet),
    "initial": (_initial, _solve_initial),
    "without": (_without, _solve_without),
}
