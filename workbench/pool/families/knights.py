"""Islanders who always tell the truth or always lie (ours)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

from workbench.pool.family import Family, Finding, WorkedSolution, verified
from workbench.records import Problem

World = tuple[bool, ...]
Claim = Sequence[Any]
"""An operator (``and``, ``or``, ``not``, ``->``, ``<=>``, ``telling-truth``, ``lying``) and its operands."""


def is_true(claim: Claim, world: World) -> bool:
    """Says whether a claim is true where ``world[i]`` tells that person i is honest.

    >>> is_true(("->", ("telling-truth", 0), ("lying", 1)), (True, True))
    False
    """
    kind, *parts = claim
    if kind == "telling-truth":
        return world[parts[0]]
    if kind == "lying":
        return not world[parts[0]]
    values = [is_true(part, world) for part in parts]
    if kind == "not":
        return not values[0]
    if kind == "and":
        return all(values)
    if kind == "or":
        return any(values)
    return values[1] or not values[0] if kind == "->" else values[0] == values[1]


class _Island:
    """Names, claims and the words for the two kinds of people."""

    def __init__(self, problem: Problem) -> None:
        self.names: list[str] = list(problem.metadata["names"])
        self.claims: list[Claim] = list(problem.metadata["statements"])
        terms = problem.metadata["knight_knave_terms"]
        self.kinds = {True: terms["knight"], False: terms["knave"]}
        self.one = {True: terms["a_knight"], False: terms["a_knave"]}
        self.worlds: list[World] = list(product((True, False), repeat=len(self.names)))

    def settled(self) -> dict[int, bool]:
        """Whose words are true, or false, in every world."""
        values = {n: {is_true(claim, world) for world in self.worlds} for n, claim in enumerate(self.claims)}
        return {person: found.pop() for person, found in values.items() if len(found) == 1}

    def first_conflict(self, world: World) -> int | None:
        """The first person whose claim does not suit what they are."""
        return next((n for n, claim in enumerate(self.claims) if is_true(claim, world) != world[n]), None)

    def described(self, world: World) -> str:
        return ", ".join(f"{name} {self.kinds[honest]}" for name, honest in zip(self.names, world, strict=True))

    def judged(self, person: int, world: World) -> str:
        truth = "true" if is_true(self.claims[person], world) else "false"
        return f"{self.names[person]}'s words are {truth}"

    def answer(self, world: World) -> str:
        parts = [f"{name} is {self.one[honest]}" for name, honest in zip(self.names, world, strict=True)]
        return f"{', '.join(parts[:-1])}, and {parts[-1]}."

    def read(self, answer: str) -> World:
        return tuple(f"{name} is {self.one[True]}" in answer for name in self.names)


def solve_knights(problem: Problem, rng: Random) -> WorkedSolution:
    """Settles whoever says what is true, or false, in any case; then tries the worlds that are left."""
    island = _Island(problem)
    settled = island.settled()
    steps = [
        f"{island.names[person]}'s words are {'true' if honest else 'false'} in any case: {island.one[honest]}"
        for person, honest in settled.items()
    ]
    worlds = [world for world in island.worlds if all(world[person] == honest for person, honest in settled.items())]
    for world in worlds:
        conflict = island.first_conflict(world)
        verdict = "all fit" if conflict is None else f"{island.judged(conflict, world)}, no"
        steps.append(f"{island.described(world)}: {verdict}")
    method, plans = _plans(len(island.names), bool(settled))
    answer = island.answer(next(world for world in worlds if island.first_conflict(world) is None))
    return verified(verify_knights, problem, answer, method=method, strategy=rng.choice(plans), tactics=steps)


def _plans(people: int, settled: bool) -> tuple[str, tuple[str, str]]:
    if settled:
        return "settle one first", (
            "Some words are true or false whoever speaks: settle those first.",
            "Begin with words that cannot be otherwise, then try the rest.",
        )
    if people == 2:
        return "four cases", (
            "Two people make four cases: test each against the words.",
            "Try all four cases; only one fits what both say.",
        )
    return "case by case", (
        f"Try all {2**people} cases and drop one at its first conflict.",
        "Go through the cases in order; one wrong word ends a case.",
    )


def verify_knights(problem: Problem, answer: str) -> Finding:
    """Puts the answer in and reads what each person says."""
    island = _Island(problem)
    world = island.read(answer)
    parts = []
    for person, honest in enumerate(world):
        fits = is_true(island.claims[person], world) == honest
        parts.append(f"{island.names[person]}, {island.one[honest]}, says what is "
                     f"{'true' if is_true(island.claims[person], world) else 'false'}"
                     f"{'' if fits else ', which cannot be'}")  # fmt: skip
    return Finding(f"{'; '.join(parts)}.", island.first_conflict(world) is None)


def mistaken_knights(problem: Problem, answer: str, rng: Random) -> str:
    """Takes one person for the other kind."""
    island = _Island(problem)
    world = list(island.read(answer))
    person = rng.randrange(len(world))
    world[person] = not world[person]
    return island.answer(tuple(world))


def recap_knights(problem: Problem) -> str:
    """Names the people and the two kinds."""
    island = _Island(problem)
    return f"{', '.join(island.names)} each are {island.one[True]} (honest) or {island.one[False]} (lying)."


def _level(people: int, depth: int, width: int) -> dict[str, int]:
    return {"n_people": people, "depth_constraint": depth, "width_constraint": width}


FAMILIES: tuple[Family, ...] = (
    Family(
        name="knights_knaves",
        domain="logic",
        answer_type="text",
        levels=(_level(2, 2, 2), _level(2, 2, 3), _level(3, 2, 2), _level(3, 2, 3), _level(4, 2, 2)),
        solve=solve_knights,
        generator="knights_knaves",
        keep=("statements", "names", "knight_knave_terms"),
        recap=recap_knights,
        verify=verify_knights,
        mistake=mistaken_knights,
    ),
)
