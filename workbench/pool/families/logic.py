"""Who counts: the siblings and friends of the Alice-in-Wonderland questions."""

from __future__ import annotations

import re
from random import Random

from workbench.errors import InputError
from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem

_SIBLINGS = re.compile(
    r"(?P<her>\w+) has (?P<n1>\d+) (?P<k1>brothers|sisters) and she also has (?P<n2>\d+) (?:brothers|sisters)\. "
    r"How many sisters does (?P<his>\w+)'s brother have\?"
)
_FRIENDS = re.compile(
    r"(?P<her>\w+) has \d+ male friends and she also has (?P<female>\d+) female friends\. "
    r".* How many female friends does (?P<his>\w+), a male friend of"
)


def solve_aiw(problem: Problem, rng: Random) -> WorkedSolution:
    """Counts the women, the one who tells included.

    Raises:
        InputError: for a question that is neither about siblings nor about friends.
    """
    if match := _SIBLINGS.match(problem.question):
        return _siblings(match, rng)
    if match := _FRIENDS.match(problem.question):
        return _friends(match, rng)
    raise InputError(f"{problem.id}: not a question about siblings or friends; give one of those")


def _siblings(match: re.Match[str], rng: Random) -> WorkedSolution:
    her, his = match["her"], match["his"]
    sisters = int(match["n1"] if match["k1"] == "sisters" else match["n2"])
    girls = sisters + 1
    brother = "Her brother" if his == her else f"{his}'s brother"
    strategy = rng.choice(
        (
            f"Brothers share their sisters, so count all girls, {her} too.",
            f"A brother's sisters are all the girls, so count {her} too.",
        )
    )
    return WorkedSolution(
        method="count the girls",
        strategy=strategy,
        tactics=(
            f"Sisters of {her}: {sisters}",
            f"{her} is a girl too: {sisters} + 1 = {girls}",
            f"{brother} has all {girls} as sisters",
        ),
        check=f"{girls} girls without {her} are {girls - 1}, her sisters in the story.",
        answer=str(girls),
    )


def _friends(match: re.Match[str], rng: Random) -> WorkedSolution:
    her, his, female = match["her"], match["his"], int(match["female"])
    women = female + 1
    strategy = rng.choice(
        (
            f"All are friends, so count all women, {her} too.",
            f"{his} is a friend of every woman here, so count {her} too.",
        )
    )
    return WorkedSolution(
        method="count the circle",
        strategy=strategy,
        tactics=(
            f"Female friends of {her}: {female}",
            f"{her} is a woman too: {female} + 1 = {women}",
            f"{his} is a man, so all {women} are his friends",
        ),
        check=f"{women} women without {her} are {women - 1}, her female friends in the story.",
        answer=str(women),
    )


def verify_aiw(problem: Problem, answer: str) -> Finding:
    """Takes the one who tells away again: those in her own story must be left."""
    match = _SIBLINGS.match(problem.question) or _FRIENDS.match(problem.question)
    assert match, problem.question
    told = match.groupdict()
    if "female" in told:
        number, who = int(told["female"]), "female friends"
    else:
        number, who = int(told["n1"] if told["k1"] == "sisters" else told["n2"]), "sisters"
    fits = int(answer) - 1 == number
    return Finding(f"Without {told['her']}: {answer} - 1 = {int(answer) - 1}, {'and' if fits else 'but'} her story has "
                   f"{number} {who if number != 1 else who[:-1]}.", fits)  # fmt: skip


def mistaken_aiw(problem: Problem, answer: str, rng: Random) -> str:
    """Forgets the one who tells, or counts her twice."""
    return str(int(answer) + rng.choice((-1, 1)))


def recap_aiw(problem: Problem) -> str:
    """Says what is easily missed."""
    return "One person of the group tells of the others, and the question is about another one's view."


# Weight 0 for the third kind, colleagues: its reference answer (the women of one circle + 1) forgets
# that Matilda is one of those women, and the women of the other circle.
FAMILIES: tuple[Family, ...] = (
    Family(
        name="aiw",
        domain="logic",
        answer_type="number",
        generator="aiw",
        levels=tuple({"task_type_weights": (0.4, 0.6, 0.0), "max_entities": most} for most in (20, 200, 2_000)),
        solve=solve_aiw,
        core=True,
        recap=recap_aiw,
        verify=verify_aiw,
        mistake=mistaken_aiw,
        easier=({"task_type_weights": (1.0, 0.0, 0.0), "max_entities": 8},),
        harder=({"task_type_weights": (0.4, 0.6, 0.0), "max_entities": 1_000_000},),
    ),
)
