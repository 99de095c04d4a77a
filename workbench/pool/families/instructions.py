"""Short instructions whose format, length, keywords and order a program can check (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.grading import check_constraints
from workbench.pool.families.word_tasks import NOUNS, WORD_KINDS, Kind, Task, exact_words, join_and
from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem

_WALKER_LIST = (
    "baker bird boy cat child cook cow dancer doctor dog driver duck farmer fox girl goat horse king lion mouse "
    "nurse painter pig pilot queen rabbit sailor sheep singer teacher tiger writer"
)
_WALKERS = tuple(_WALKER_LIST.split())
_STARTS = ("Every", "The", "My", "Our", "This", "Her", "His", "That", "One", "Your")
_FRAMES = (("Start", "Stop"), ("Open", "Close"), ("Ready", "Done"), ("Hello", "Goodbye"), ("Morning", "Evening"))
_TAILS = {
    1: ("today", "here", "outside"),
    2: ("at home", "every day", "in silence"),
    3: ("near the river", "in the garden", "under a tree"),
    4: ("in the old house", "on a quiet street", "by the blue lake"),
    5: ("on the way to school", "in the middle of winter", "at the end of summer"),
}
_MARKS = {"an exclamation mark": "!", "a question mark": "?", "a period": "."}


def _framed(rng: Random, size: int) -> Task:
    """Given first and last words, others in order between them."""
    (first, last), words = rng.choice(_FRAMES), rng.sample(NOUNS, size - 1)
    return {
        "question": f"Begin with the word {first}, then write {join_and(words)} in this order, "
        f"and end with the word {last}. Put only spaces between the words.",
        "constraints": [
            exact_words(size + 1),
            {"kind": "starts_with", "text": first},
            {"kind": "ends_with", "text": last},
            {"kind": "order", "words": [first, *words, last]},
        ],
        "words": words,
        "first": first,
        "last": last,
    }


def _solve_framed(task: Task, rng: Random) -> WorkedSolution:
    first, words, last = task["first"], task["words"], task["last"]
    return WorkedSolution(
        method="build from left to right",
        strategy=rng.choice(
            (
                f"{first} first, {last} last, the rest in order between them.",
                f"Three parts: {first}, the middle in order, {last}.",
            )
        ),
        tactics=(f"Begin: {first}", f"Middle: {' '.join(words)}", f"End: {last}"),
        check=f"1 + {len(words)} + 1 = {len(words) + 2} words; the first is {first}, the last {last}.",
        answer=" ".join((first, *words, last)),
    )


def _keywords(rng: Random, size: int) -> Task:
    """One sentence with given words, a length limit and a given end."""
    words = rng.sample(NOUNS, 2 if size < 5 else 3)
    name = rng.choice(list(_MARKS))
    most = rng.randint(9, 12) + 3 * (len(words) - 2)
    return {
        "question": f"Write one sentence of 4 to {most} words that has the words {join_and(words)} and "
        f"ends with {name}.",
        "constraints": [
            {"kind": "word_count", "min": 4, "max": most},
            {"kind": "contains", "words": words},
            {"kind": "ends_with", "text": _MARKS[name]},
        ],
        "words": words,
        "most": most,
        "mark": name,
    }


def _solve_keywords(task: Task, rng: Random) -> WorkedSolution:
    words, most, name = task["words"], task["most"], task["mark"]
    mark = _MARKS[name]
    things = join_and([f"the {word}" for word in words])
    opening = {"!": "We love", "?": "Did you see", ".": "I can see"}[mark]
    parts = (f"{opening} {things}", rng.choice(("today", "here", "again")))
    first, total = (len(" ".join(parts[:n]).replace(",", "").split()) for n in (1, 2))
    return WorkedSolution(
        method="build from left to right",
        strategy=rng.choice(
            (
                f"All {len(words)} words, at most {most} in all: build in parts and count.",
                f"Join the {len(words)} words plainly and count up to {most}.",
            )
        ),
        tactics=(f"{parts[0]} ({first} words)", f"Add: {parts[1]} ({first} + 1 = {total} words)", f"End: {mark}"),
        check=f"{join_and(words)} are in it; {total} is from 4 to {most}; the end is {name}.",
        answer=f"{' '.join(parts)}{mark}",
    )


def _exact(rng: Random, size: int) -> Task:
    """One sentence of an exact length with a given start, a keyword and a given end."""
    start, word, count = rng.choice(_STARTS), rng.choice(_WALKERS), rng.randint(size + 1, size + 3)
    name = rng.choice(("a period", "an exclamation mark"))
    return {
        "question": f"Write a sentence of exactly {count} words that starts with {start}, has the word {word} and ends "
        f"with {name}.",
        "constraints": [
            exact_words(count),
            {"kind": "starts_with", "text": start},
            {"kind": "contains", "words": [start, word]},
            {"kind": "ends_with", "text": _MARKS[name]},
        ],
        "start": start,
        "word": word,
        "count": count,
        "mark": name,
    }


def _solve_exact(task: Task, rng: Random) -> WorkedSolution:
    start, word, count, name = task["start"], task["word"], task["count"], task["mark"]
    base = f"{start} {word} {rng.choice(('rests', 'waits', 'sleeps'))}"
    tail = rng.choice(_TAILS[count - 3])
    return WorkedSolution(
        method="build from left to right",
        strategy=rng.choice(
            (
                f"{start} first, {count} words: write three, then fill up.",
                f"Start short with {start}, then add up to {count} words.",
            )
        ),
        tactics=(
            f"{base} (3 words)",
            f"Missing: {count} - 3 = {count - 3}",
            f"Add: {tail} ({count - 3} words)",
            f"End: {_MARKS[name]}",
        ),
        check=f"3 + {count - 3} = {count} words; {start} is first, {word} is in it, the end is {name}.",
        answer=f"{base} {tail}{_MARKS[name]}",
    )


_KINDS: dict[str, Kind] = {
    **WORD_KINDS,
    "framed": (_framed, _solve_framed),
    "keywords": (_keywords, _solve_keywords),
    "exact": (_exact, _solve_exact),
}


def draw_instruction(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws an instruction with its constraints, and one answer that meets them.

    Args:
        rng: decides everything.
        settings: ``size``, from 3 to 5: the number of words, roughly.
    """
    return drawn(_KINDS, rng, settings["size"])


def drawn(kinds: Mapping[str, Kind], rng: Random, size: int) -> Mapping[str, Any]:
    """Draws an item of any of some kinds of instruction."""
    kind = rng.choice(list(kinds))
    draw, solve = kinds[kind]
    task = draw(rng, size)
    metadata = {"kind": kind, "constraints": task.pop("constraints")}
    question = task.pop("question")
    return {"question": question, "answer": solve(task, rng).answer, "metadata": {**metadata, "parts": task}}


def solve_instruction(problem: Problem, rng: Random) -> WorkedSolution:
    """Builds an answer piece by piece, and goes through the constraints with counts."""
    _, solve = _KINDS[problem.metadata["kind"]]
    return solve(problem.metadata["parts"], rng)


def verify_constraints(problem: Problem, answer: str) -> Finding:
    """Reads the finished text once more, condition by condition, as the graders do."""
    constraints = problem.metadata["constraints"]
    violated = check_constraints(answer, constraints)
    if violated:
        return Finding(f"Read once more: {'; '.join(map(_in_words, violated))}.", False)
    kinds = ", ".join(constraint["kind"].replace("_", " ") for constraint in constraints)
    return Finding(f"Read once more: {kinds}: all as asked.", True)


def _in_words(violation: str) -> str:
    kind, colon, said = violation.partition(":")
    return f"{kind.replace('_', ' ')}{colon}{said}"


def mistaken_text(problem: Problem, answer: str, rng: Random) -> str:
    """Loses a word on the way; the first where a later one would not be missed."""
    words = answer.split(" ")
    places = list(range(len(words)))
    rng.shuffle(places)
    for place in places:
        shorter = " ".join(words[:place] + words[place + 1 :])
        if check_constraints(shorter, problem.metadata["constraints"]):
            return shorter
    return ""


def recap_instruction(problem: Problem) -> str:
    """Counts the conditions."""
    return f"The text must meet {len(problem.metadata['constraints'])} conditions at once, so read them all first."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="instructions",
        domain="instruction following",
        answer_type="constraints",
        generator=draw_instruction,
        levels=({"size": 3}, {"size": 4}),
        solve=solve_instruction,
        keep=("kind", "constraints", "parts"),
        recap=recap_instruction,
        verify=verify_constraints,
        mistake=mistaken_text,
        harder=({"size": 5},),
        core=True,
    ),
)
