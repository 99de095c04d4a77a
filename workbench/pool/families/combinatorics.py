"""How many ways: products, orders, places and choices (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb, factorial, perm, prod
from random import Random
from typing import Any

from workbench.pool.families.arithmetic import partial_products
from workbench.pool.families.probability import DOMAIN, chosen
from workbench.pool.family import Family, Finding, WorkedSolution, agreement, verified
from workbench.records import Problem

_OUTFITS = (
    ("A menu has {} and {}. How many different meals with one of each are there?", ("starters", "mains", "desserts")),
    ("A shop sells {} and {}. How many different sets with one of each are there?", ("cups", "plates", "bowls")),
    ("A wardrobe has {} and {}. How many different outfits with one of each are there?", ("coats", "hats", "scarves")),
)
_LINES = ("children stand in a line", "books stand on a shelf", "songs follow one another", "flags hang on a rope")
_PRIZES = ("runners", "dancers", "singers", "swimmers", "painters", "riders")
_TEAMS = (("players", "team"), ("pupils", "group"), ("cards", "hand"), ("flowers", "bunch"), ("coins", "set"))
_SCENES = ("At school", "In a club", "At a fair", "In a village", "On a ship", "In a park", "At a camp", "In a town",
           "At the museum", "On a farm", "In the theatre", "At the market")  # fmt: skip
_SYMBOLS = ("letters", "colours", "digits", "shapes", "signs")


def draw_selection(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws a counting question.

    Args:
        rng: decides everything.
        settings: ``low`` and ``high``, between which the numbers of things lie; ``most``, the places at most.
    """
    kind = rng.choice(("product", "order", "places", "choice", "code"))
    things, picked = rng.randint(settings["low"], settings["high"]), rng.randint(2, settings["most"])
    picked = min(picked, things)
    if kind == "product":
        numbers = [rng.randint(2, settings["high"]) for _ in range(min(picked, 3))]
        question, names = rng.choice(_OUTFITS)
        parts = [f"{number} {name}" for number, name in zip(numbers, names, strict=False)]
        question = question.format(", ".join(parts[:-1]), parts[-1])
    elif kind == "order":
        numbers, what = [things], rng.choice(_LINES)
        question = f"{things} {what}. In how many different orders is that possible?"
    elif kind == "places":
        numbers, who = [things, picked], rng.choice(_PRIZES)
        question = f"{things} {who} compete. In how many ways can the first {picked} places be taken?"
    elif kind == "choice":
        numbers, (who, group) = [things, picked], rng.choice(_TEAMS)
        question = f"In how many ways can a {group} of {picked} be chosen from {things} {who}?"
    else:
        numbers, what = [things, picked], rng.choice(_SYMBOLS)
        question = f"How many codes of {picked} places can be made from {things} {what}, if each may come up again?"
    question = f"{rng.choice(_SCENES)}, {question[0].lower()}{question[1:]}"
    count = _count(kind, numbers)
    return {"question": question, "answer": str(count), "metadata": {"kind": kind, "numbers": numbers}}


def _count(kind: str, numbers: list[int]) -> int:
    if kind == "product":
        return prod(numbers)
    if kind == "order":
        return factorial(numbers[0])
    things, picked = numbers
    if kind == "code":
        return int(things**picked)
    return perm(things, picked) if kind == "places" else comb(things, picked)


_PLANS = {
    "product": ("product rule", "Each choice goes with each other, so multiply.", "Independent choices multiply."),
    "order": ("place by place", "Fill the places one by one; one thing less is left each time.",
              "First place, second place and so on: one less each time."),
    "places": ("place by place", "Only the places that are asked for are filled, one by one.",
               "Order matters: multiply from the top, one factor a place."),
    "choice": ("order does not count", "Order does not count: count ordered picks and divide by their orders.",
               "Take ordered picks, then divide, since order means nothing here."),
    "code": ("same choice again", "Every place has the same choice, so multiply it by itself.",
             "Repeats are allowed: one equal factor a place."),
}  # fmt: skip


def solve_selection(problem: Problem, rng: Random) -> WorkedSolution:
    """Multiplies place by place; where order does not count, divides by the orders of the picked."""
    kind, numbers = problem.metadata["kind"], list(problem.metadata["numbers"])
    method, *plans = _PLANS[kind]
    if kind == "choice":
        steps = [chosen(*numbers)]
        answer = comb(*numbers)
    else:
        factors = _factors(kind, numbers)
        steps, answer = [f"Factors: {' * '.join(map(str, factors))}"], factors[0]
        for factor in factors[1:]:
            steps += partial_products(answer, factor)
            answer *= factor
    return verified(verify_selection, problem, str(answer), method=method, strategy=rng.choice(plans), tactics=steps)


def _factors(kind: str, numbers: list[int]) -> list[int]:
    if kind == "product":
        return numbers
    things, places = numbers[0], numbers[0] if kind == "order" else numbers[1]
    return [things] * places if kind == "code" else [things - n for n in range(places)]


def verify_selection(problem: Problem, answer: str) -> Finding:
    """Counts in another way: last factor first, by the one that is left out, or by what is in and what is not."""
    kind, numbers = problem.metadata["kind"], list(problem.metadata["numbers"])
    if kind == "choice":
        things, picked = numbers
        without, within = comb(things - 1, picked), comb(things - 1, picked - 1)
        route = f"Ways without one of them: {without}, with it: {within}; {without} + {within} = "
        return agreement(f"{route}{without + within}", without + within, answer)
    if kind == "places":
        things, picked = numbers
        rest, whole = factorial(things - picked), factorial(things)
        route = f"All {things} in order make {whole}, the other {things - picked} make {rest}: {whole} / {rest} = "
        return agreement(f"{route}{whole // rest}", whole // rest, answer)
    total, steps = 1, []
    for factor in reversed(_factors(kind, numbers)):
        steps.append(f"{total} * {factor} = {total * factor}")
        total *= factor
    return agreement(f"From the last factor: {', '.join(steps)}", total, answer)


def recap_selection(problem: Problem) -> str:
    """Says what may repeat and whether order counts."""
    kind, numbers = problem.metadata["kind"], problem.metadata["numbers"]
    if kind == "product":
        return f"There are {len(numbers)} separate choices with {', '.join(map(str, numbers))} things; how many sets?"
    if kind == "order":
        return f"All {numbers[0]} things are put in order; how many orders?"
    things, picked = numbers
    how = {
        "places": "order counts, nothing repeats",
        "choice": "order does not count",
        "code": "order counts, things may repeat",
    }
    return f"{picked} of {things} are taken; {how[kind]}."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="selections",
        domain=DOMAIN,
        answer_type="number",
        levels=(
            {"low": 2, "high": 4, "most": 2},
            {"low": 3, "high": 6, "most": 2},
            {"low": 4, "high": 7, "most": 3},
            {"low": 5, "high": 9, "most": 4},
            {"low": 7, "high": 12, "most": 6},
        ),
        solve=solve_selection,
        generator=draw_selection,
        keep=("kind", "numbers"),
        recap=recap_selection,
        verify=verify_selection,
    ),
)
