"""Finding what a text says: who did it, and how two people are related."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

import reasoning_gym
from reasoning_gym.graphs.family_relationships import FamilyRelationshipsConfig

from workbench.errors import InputError
from workbench.pool.family import Family, Finding, WorkedSolution, agreement
from workbench.records import Problem

_FEW = 5
"""Up to this many statements are read one by one."""
_EITHER = frozenset(
    (
        "River",
        "Winter",
        "Sky",
        "Rain",
        "Sage",
        "Nova",
        "Aurora",
        "Willow",
        "Phoenix",
        "Atlas",
        "Kai",
        "Zion",
        "Axel",
        "Ryder",
        "Jayden",
    )
)
"""Names that do not say clearly whether a man or a woman bears them; the story does not say it either."""

_COUPLE = re.compile(
    r"(?P<one>\w+) is married to (?P<two>\w+)\.(?: They have (?:a child|children) called (?P<children>[^.]+)\.)?"
)
_ASKED = re.compile(r"(?:What is|How is|What relation is) (?P<who>\w+) (?:related )?to (?P<whom>\w+)\?")
_NEAR = frozenset(("father", "mother", "son", "daughter", "husband", "wife"))
_INVERSE = {"parent": "child", "child": "parent", "spouse": "spouse"}
_RELATIONS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("parent",): ("parent", "father", "mother"),
    ("child",): ("child", "son", "daughter"),
    ("spouse",): ("spouse", "husband", "wife"),
    ("parent", "child"): ("sibling", "brother", "sister"),
    ("parent", "parent"): ("grandparent", "grandfather", "grandmother"),
    ("child", "child"): ("grandchild", "grandson", "granddaughter"),
    ("child", "spouse"): ("child-in-law", "son-in-law", "daughter-in-law"),
    ("spouse", "parent"): ("parent-in-law", "father-in-law", "mother-in-law"),
}


def solve_needle(problem: Problem, rng: Random) -> WorkedSolution:
    """Reads statement by statement, or looks for the last word first where that one is telling."""
    text, asked = problem.question.rsplit("\n", 1)
    wanted = asked.removeprefix("Who ").split("?")[0]
    statements = [tuple(part.split(" ", 1)) for part in text.strip().removesuffix(".").split(". ")]
    names, phrases = [name for name, _ in statements], [phrase for _, phrase in statements]
    place = phrases.index(wanted)
    last_words = [phrase.split()[-1] for phrase in phrases]
    key = last_words[place]
    if len(phrases) <= _FEW or last_words.count(key) > 1:
        method, strategy = (
            "one by one",
            rng.choice(
                ("The list is short: read it in order until one says it.", "Read in order and stop at the match.")
            ),
        )
        pairs = list(zip(names, phrases, strict=True))[: place + 1]
        tactics = [f"Wanted: {wanted}"]
        tactics += [f"{name}: {phrase}, {'yes' if phrase == wanted else 'no'}" for name, phrase in pairs]
    else:
        method, strategy = (
            "last word first",
            rng.choice(
                (
                    f"The list is long, so look for the word {key} at the end.",
                    f"Search the last words for {key}: it is rare.",
                )
            ),
        )
        numbered = ", ".join(f"{number} {word}" for number, word in enumerate(last_words, start=1))
        tactics = [
            f"Last words: {numbered}",
            f"{key} is number {place + 1}",
            f"Number {place + 1}: {names[place]} {wanted}",
        ]
    count = phrases.count(wanted)
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(tactics),
        check=f"{names[place]} is the subject of statement {place + 1}; {count} of {len(phrases)} statements says it.",
        answer=names[place],
    )


def draw_family(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws a family story from reasoning-gym, with the answer seen from the person who is asked about.

    For in-laws, nieces and nephews the generator names what the second person is to the first, though
    the question asks for the opposite; those answers are turned round here.

    Args:
        rng: decides everything.
        settings: ``size``, the number of people; ``far``, true to leave out direct links.
    """
    dataset = _stories(settings["size"])
    item: dict[str, Any] = dataset[rng.getrandbits(62)]
    while settings["far"] and item["answer"] in _NEAR:
        item = dataset[rng.getrandbits(62)]
    who = item["metadata"]["person1"]
    man, woman = {
        "mother-in-law": ("son-in-law", "daughter-in-law"),
        "father-in-law": ("son-in-law", "daughter-in-law"),
        "niece": ("nephew", "niece"),
        "nephew": ("nephew", "niece"),
    }.get(item["answer"], (item["answer"], item["answer"]))
    return {"question": item["question"], "answer": man if who in _names()[0] else woman, "metadata": {}}


@cache
def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The men's and the women's names."""
    config = FamilyRelationshipsConfig()
    men, women = config.male_names, config.female_names
    return tuple(n for n in men if n not in _EITHER), tuple(n for n in women if n not in _EITHER)


@cache
def _stories(size: int) -> Any:
    men, women = map(list, _names())
    settings = {"min_family_size": size, "max_family_size": size, "male_names": men, "female_names": women}
    return reasoning_gym.create_dataset("family_relationships", seed=0, size=2**63, **settings)


def solve_relationship(problem: Problem, rng: Random) -> WorkedSolution:
    """Walks from one person to the other, one link of the story at a time, and names the walk.

    Raises:
        InputError: where the question has another form, or the two are farther apart than two links.
    """
    asked = _ASKED.search(problem.question)
    path = _path(_links(problem.question), asked["whom"], asked["who"]) if asked else None
    if asked is None or path is None:
        raise InputError(f"{problem.id}: no family link of at most two steps; give a story of that form")
    who, whom, links = asked["who"], asked["whom"], tuple(link for _, link, _ in path)
    general, male, female = _RELATIONS[links]
    man = who in _names()[0]
    word = male if man else female
    tactics = [f"{_owner(start)} {link} is {end}" for start, link, end in path]
    if len(links) == 2:
        tactics.append(f"A {links[0]}'s {links[1]} is a {general}")
    tactics.append(f"{who} is {'male' if man else 'female'}: {word}")
    back = ", ".join(f"{_owner(end)} {_INVERSE[link]} is {start}" for start, link, end in reversed(path))
    near = "The story links them directly" if len(links) == 1 else "They are two links apart"
    return WorkedSolution(
        method="one link" if len(links) == 1 else "two links",
        strategy=rng.choice(
            (
                f"{near}: go from {whom} to {who}, then name the way.",
                f"{near}, so walk from {whom} to {who} and name the way.",
            )
        ),
        tactics=tuple(tactics),
        check=f"Backwards: {back}.",
        answer=word,
    )


def _owner(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _links(story: str) -> list[tuple[str, str, str]]:
    """Every (person, link, person) of the story: the second is the first one's parent, child or spouse."""
    links = []
    for couple in _COUPLE.finditer(story):
        one, two = couple["one"], couple["two"]
        links += [(one, "spouse", two), (two, "spouse", one)]
        for child in re.findall(r"\w+", (couple["children"] or "").replace(" and ", ", ")):
            links += [(child, "parent", one), (child, "parent", two), (one, "child", child), (two, "child", child)]
    return links


def _path(links: list[tuple[str, str, str]], start: str, end: str) -> list[tuple[str, str, str]] | None:
    """The shortest walk of one or two links that has a name."""
    direct = [[link] for link in links if (link[0], link[2]) == (start, end)]
    double = [[a, b] for a in links for b in links if (a[0], a[2], b[2]) == (start, b[0], end)]
    return next((path for path in direct + double if tuple(link for _, link, _ in path) in _RELATIONS), None)


def verify_needle(problem: Problem, answer: str) -> Finding:
    """Looks the name up, from the text's end, and reads what it goes with."""
    text, asked = problem.question.rsplit("\n", 1)
    wanted = asked.removeprefix("Who ").split("?")[0]
    statements = [part.split(" ", 1) for part in text.strip().removesuffix(".").split(". ")]
    said = [phrase for name, phrase in reversed(statements) if name == answer]
    if wanted in said:
        return Finding(f"Looked up by name: {answer} {wanted}, as asked.", True)
    return Finding(
        f"Looked up by name: {answer} {said[0] if said else 'is not there'}, but the question is who {wanted}.", False
    )


def _is_said_once(item: Mapping[str, Any]) -> bool:
    """A question that two people fit has no single answer."""
    text, asked = item["question"].strip().rsplit("\n", 1)
    wanted = asked.removeprefix("Who ").split("?")[0]
    return [part.split(" ", 1)[1] for part in text.strip().removesuffix(".").split(". ")].count(wanted) == 1


def mistaken_needle(problem: Problem, answer: str, rng: Random) -> str:
    """Slips into another line."""
    text = problem.question.rsplit("\n", 1)[0].strip().removesuffix(".")
    return rng.choice([name for part in text.split(". ") if (name := part.split(" ", 1)[0]) != answer])


def recap_needle(problem: Problem) -> str:
    """Names what is looked for."""
    text, asked = problem.question.rsplit("\n", 1)
    return f"One of {len(text.strip().split('. '))} statements says who {asked.removeprefix('Who ').split('?')[0]}."


def verify_relationship(problem: Problem, answer: str) -> Finding:
    """Goes the other way round, from the person asked about, and names that way, too."""
    asked = _ASKED.search(problem.question)
    assert asked, problem.question
    who, whom = asked["who"], asked["whom"]
    path = _path(_links(problem.question), who, whom)
    assert path, problem.question
    back = tuple(_INVERSE[link] for _, link, _ in reversed(path))
    word = _RELATIONS[back][1 if who in _names()[0] else 2]
    way = ", ".join(f"{_owner(start)} {link} is {end}" for start, link, end in path)
    return agreement(f"The other way: {way}, so {who} is the {word}", word, answer)


def mistaken_relationship(problem: Problem, answer: str, rng: Random) -> str:
    """Takes a man for a woman, or goes the way from the wrong end."""
    _, *words = next(words for words in _RELATIONS.values() if answer in words)
    return next(word for word in words if word != answer)


def recap_relationship(problem: Problem) -> str:
    """Names the two people."""
    asked = _ASKED.search(problem.question)
    assert asked, problem.question
    return f"Wanted is what {asked['who']} is to {asked['whom']}, not the other way round."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="needle_haystack",
        domain="reading",
        answer_type="word",
        generator="needle_haystack",
        levels=tuple({"min_num_statements": low, "max_num_statements": high} for low, high in ((4, 4), (5, 6), (7, 8))),
        solve=solve_needle,
        core=True,
        recap=recap_needle,
        verify=verify_needle,
        mistake=mistaken_needle,
        usable=_is_said_once,
        easier=({"min_num_statements": 2, "max_num_statements": 3},),
        harder=({"min_num_statements": 30, "max_num_statements": 60},),
        unseen=True,
    ),
    Family(
        name="family_relationships",
        domain="relations",
        answer_type="word",
        generator=draw_family,
        levels=({"size": 4, "far": False}, {"size": 5, "far": False}, {"size": 6, "far": True}),
        solve=solve_relationship,
        core=True,
        recap=recap_relationship,
        verify=verify_relationship,
        mistake=mistaken_relationship,
        easier=({"size": 3, "far": False},),
        harder=({"size": 8, "far": True},),
    ),
)
