"""A small pool of plain records; defects are planted by the tests."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from workbench.records import Problem, Step, Trace

FAMILIES = {
    "sums": ("arithmetic", "What is {a} + {b} + {c}? Work from left to right."),
    "legs": (
        "arithmetic",
        "A farm has {a} cows, {b} hens and {c} spiders. How many legs do all the animals have together?",
    ),
    "ages": ("algebra", "Ann is {a} years old and Bob is {b} years older. In {c} years, how old will Bob be?"),
    "words": ("language", "Write the word number {a} of list {b} backwards, then add the letter number {c}."),
}
PLANS = ("Take one number after the other.", "Group what is alike first.", "Work backwards from the end.")


def make_trace(index: int, family: str = "sums", seed: int = 0) -> Trace:
    """One sound trace; different indices give different questions."""
    rng = Random(f"{seed} {family} {index}")
    a, b, c = index + 2, rng.randint(2, 99), rng.randint(2, 999)
    domain, question = FAMILIES[family]
    answer = str(a + b + c)
    tactics = [Step(role="tactic", text=f"{a} + {b} = {a + b}.")]
    tactics += [Step(role="tactic", text=f"Carry {place} to column {place + 1}.") for place in range(rng.randint(0, 4))]
    tactics.append(Step(role="tactic", text=f"{a + b} + {c} = {answer}."))
    problem = Problem(
        id=f"{family}-{index}", question=question.format(a=a, b=b, c=c), answer=answer, domain=domain, source=family,
        license="Apache-2.0", metadata={"level": index % 3},
    )  # fmt: skip
    check = Step(role="check", text=f"{answer} - {c} = {a + b}, as before.")
    return Trace(
        id=f"t-{family}-{index}", problem=problem, teacher="worked-solution", answer=answer, is_correct=True,
        steps=(Step(role="strategy", text=rng.choice(PLANS)), *tactics, check),
    )  # fmt: skip


@pytest.fixture
def sound_pool() -> Callable[[int], list[Trace]]:
    """Returns a function that makes ``size`` sound traces, spread over the four families."""
    names = list(FAMILIES)
    return lambda size: [make_trace(index // len(names), names[index % len(names)]) for index in range(size)]
