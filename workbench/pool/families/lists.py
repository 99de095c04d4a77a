"""Number lists: filtering by a limit, and sorting."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem

_SIGNS = {"smaller": "<", "equal": "=", "larger": ">"}


def relation(number: str, limit: str) -> str:
    """Says how a written number compares with another.

    >>> relation("-7", "-12.5")
    'larger'
    """
    value, bound = float(number), float(limit)
    return "equal" if value == bound else "larger" if value > bound else "smaller"


def solve_filtering(problem: Problem, rng: Random) -> WorkedSolution:
    """Judges each number against the limit, with a word on signs where the limit is below zero.

    Equal numbers are written as the first of them, as the generator does (``-0`` and ``0``).
    """
    numbers, limit = list(problem.metadata["original_numbers"]), problem.metadata["filter_value"]
    action, word = problem.metadata["operation"].split("_")
    kept, tactics = [], []
    for number in numbers:
        compared = relation(number, limit)
        stays = (compared == word) == (action == "keep")
        tactics.append(f"{number} {_SIGNS[compared]} {limit}: {'keep' if stays else 'drop'}")
        if stays:
            kept.append(next(other for other in numbers if float(other) == float(number)))
    aim = f"{'keep' if action == 'keep' else 'drop'} the {word} ones"
    if float(limit) < 0:
        method, hint = "compare below zero", " Below 0, closer to 0 is larger."
    else:
        method, hint = "compare one by one", ""
    return WorkedSolution(
        method=method,
        strategy=rng.choice((f"Compare each number with {limit}", f"Test each number against {limit}"))
        + f": {aim}.{hint}",
        tactics=tuple(tactics),
        check=f"{len(kept)} kept + {len(numbers) - len(kept)} dropped = {len(numbers)}; {_kept_check(kept, limit)}.",
        answer=str(kept),
    )


def _kept_check(kept: Sequence[str], limit: str) -> str:
    """The rule once more, for the kept number that is the nearest to breaking it."""
    if not kept:
        return "nothing is kept"
    nearest = min(kept, key=lambda number: (abs(float(number) - float(limit)), number))
    return f"{nearest} is {relation(nearest, limit)}"


def solve_sorting(problem: Problem, rng: Random) -> WorkedSolution:
    """Sorts by taking the extreme again and again, or by sign first where both signs occur."""
    numbers: list[str] = list(problem.metadata["original_numbers"])
    descending = problem.metadata["direction"] == "descending"
    result = sorted(numbers, key=float, reverse=descending)
    negative = [number for number in numbers if float(number) < 0]
    by_sign = 1 < len(negative) < len(numbers) - 1
    extreme = "largest" if descending else "smallest"
    if by_sign:
        method, tactics = "split by sign", _sign_steps(numbers, result, descending)
        strategy = f"Split the numbers at 0, since the {'others' if descending else 'negatives'} come first."
    else:
        method, tactics = f"take the {extreme}", _selection_steps(numbers, result)
        strategy = f"The list is short: take the {extreme} again and again."
    return WorkedSolution(
        method=method,
        strategy=rng.choice((strategy, f"{strategy[:-1]}, then write them all.")),
        tactics=tactics,
        check=f"{len(result)} numbers as before; {_short(result[0])} is the {extreme}, "
        f"{_short(result[-1])} the {'smallest' if descending else 'largest'}.",
        answer=str(result),
    )


def _selection_steps(numbers: Sequence[str], result: Sequence[str]) -> tuple[str, ...]:
    left, steps = list(numbers), []
    for number in result[:-1]:
        left.remove(number)
        steps.append(f"{_short(number)}, left {_commas(left)}")
    return tuple(steps)


def _sign_steps(numbers: Sequence[str], result: Sequence[str], descending: bool) -> tuple[str, ...]:
    names = ("Others", "Negative") if descending else ("Negative", "Others")
    steps = []
    for name in names:
        given, ordered = ([n for n in part if (float(n) < 0) == (name == "Negative")] for part in (numbers, result))
        steps.append(f"{name}: {_commas(given)}; in order {_commas(ordered)}")
    return tuple(steps)


def _short(number: str) -> str:
    """A whole number without its ``.0``, which would double the length of the steps."""
    return number.removesuffix(".0")


def _commas(numbers: Sequence[str]) -> str:
    return ", ".join(map(_short, numbers))


def verify_filtering(problem: Problem, answer: str) -> Finding:
    """Looks from the other side: what is not in the answer must break the rule, what is in it must keep it."""
    limit, (action, word) = float(problem.metadata["filter_value"]), problem.metadata["operation"].split("_")
    kept = [float(number) for number in literal_eval(answer)]
    left = Counter(kept)
    for number in problem.metadata["original_numbers"]:
        stays = (relation(number, str(limit)) == word) == (action == "keep")
        inside = left[float(number)] > 0
        left[float(number)] -= inside
        if stays != inside:
            return Finding(f"{_short(number)} {'is missing' if stays else 'should not be there'}.", False)
    out = len(problem.metadata["original_numbers"]) - len(kept)
    gone = f"the {out} left out {'breaks' if out == 1 else 'break'}" if out else "none is left out that breaks"
    stay = f"the {len(kept)} kept {'does' if len(kept) == 1 else 'do'} not" if kept else "none is kept"
    return Finding(f"Each compared again: {gone} the rule, {stay}.", True)


def verify_sorting(problem: Problem, answer: str) -> Finding:
    """Compares neighbours, and the numbers as a set."""
    descending = problem.metadata["direction"] == "descending"
    numbers = [float(number) for number in literal_eval(answer)]
    if sorted(numbers) != sorted(map(float, problem.metadata["original_numbers"])):
        return Finding(f"{len(numbers)} numbers, which are not the given ones.", False)
    sign = ">=" if descending else "<="
    for one, other in pairwise(numbers):
        if (one < other) if descending else (one > other):
            return Finding(f"{one:g} stands before {other:g}, so the order is broken.", False)
    shown = f" {sign} ".join(f"{number:g}" for number in numbers)
    return Finding(f"Neighbours: {shown}.", True)


def mistaken_list(problem: Problem, answer: str, rng: Random) -> str:
    """Loses an item, or swaps two neighbours; an empty list gets the first number."""
    items: list[str] = list(literal_eval(answer))
    if not items:
        return str([problem.metadata["original_numbers"][0]])
    places = [n for n in range(len(items) - 1) if items[n] != items[n + 1]]
    if places and rng.random() < 0.5:
        place = rng.choice(places)
        items[place : place + 2] = items[place + 1], items[place]
        if "direction" in problem.metadata:
            return str(items)
        items[place : place + 2] = items[place + 1], items[place]
    items.pop(rng.randrange(len(items)))
    return str(items)


def recap_filtering(problem: Problem) -> str:
    """Says what stays."""
    action, word = problem.metadata["operation"].split("_")
    count, limit = len(problem.metadata["original_numbers"]), problem.metadata["filter_value"]
    return f"Of {count} numbers those {word} than {limit} {'stay' if action == 'keep' else 'go'}."


def recap_sorting(problem: Problem) -> str:
    """Says which way."""
    return f"{len(problem.metadata['original_numbers'])} numbers are wanted in {problem.metadata['direction']} order."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="number_filtering",
        domain="algorithms",
        answer_type="list",
        generator="number_filtering",
        levels=(
            {"min_numbers": 3, "max_numbers": 3, "max_decimals": 0, "min_value": 1.0, "max_value": 50.0},
            {"min_numbers": 3, "max_numbers": 4, "max_decimals": 0, "min_value": -50.0, "max_value": 50.0},
            {
                "min_numbers": 4,
                "max_numbers": 4,
                "min_decimals": 1,
                "max_decimals": 1,
                "min_value": -9.9,
                "max_value": 9.9,
            },
        ),
        solve=solve_filtering,
        keep=("original_numbers", "filter_value", "operation"),
        core=True,
        recap=recap_filtering,
        verify=verify_filtering,
        mistake=mistaken_list,
        easier=({"min_numbers": 3, "max_numbers": 3, "max_decimals": 0, "min_value": 1.0, "max_value": 9.0},),
        harder=(
            {
                "min_numbers": 9,
                "max_numbers": 12,
                "min_decimals": 2,
                "max_decimals": 3,
                "min_value": -99.0,
                "max_value": 99.0,
            },
        ),
    ),
    Family(
        name="number_sorting",
        domain="algorithms",
        answer_type="list",
        generator="number_sorting",
        levels=(
            {"min_numbers": 3, "max_numbers": 3, "max_decimals": 0, "min_value": 1.0, "max_value": 50.0},
            {"min_numbers": 3, "max_numbers": 4, "max_decimals": 0, "min_value": -50.0, "max_value": 50.0},
            {"min_numbers": 4, "max_numbers": 5, "max_decimals": 0, "min_value": -50.0, "max_value": 50.0},
        ),
        solve=solve_sorting,
        keep=("original_numbers", "direction"),
        core=True,
        recap=recap_sorting,
        verify=verify_sorting,
        mistake=mistaken_list,
        easier=({"min_numbers": 3, "max_numbers": 3, "max_decimals": 0, "min_value": 1.0, "max_value": 9.0},),
        harder=({"min_numbers": 10, "max_numbers": 14, "max_decimals": 0, "min_value": -999.0, "max_value": 999.0},),
        unseen=True,
    ),
)
