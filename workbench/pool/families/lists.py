"""Number lists: filtering by a limit, and sorting."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from workbench.pool.family import Family, WorkedSolution
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
        unseen=True,
    ),
)
