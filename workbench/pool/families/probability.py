"""Dice and coins: favourable cases over all cases, counted in the way that has the fewest (ours)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import comb, gcd, prod
from random import Random

from workbench.pool.family import Family, Finding, Span, WorkedSolution, agreement, counted, verified
from workbench.records import Problem

_COINS = re.compile(r"(exactly|at least) (\d+) heads in (\d+) fair")


def ways_by_total(sides: Sequence[int]) -> dict[int, int]:
    """Returns in how many ways dice show each total.

    >>> ways_by_total([2, 2])
    {2: 1, 3: 2, 4: 1}
    """
    ways = {0: 1}
    for size in sides:
        after: dict[int, int] = {}
        for total, count in ways.items():
            for face in range(1, size + 1):
                after[total + face] = after.get(total + face, 0) + count
        ways = after
    return ways


def _dice(problem: Problem) -> tuple[list[int], int]:
    listed, asked = problem.question.split(". ", 1)
    found = re.search(r"rolling (\d+) or higher", asked)
    assert found, problem.question
    return [int(size) for size in re.findall(r"1d(\d+)", listed)], int(found[1])


def solve_dice(problem: Problem, rng: Random) -> WorkedSolution:
    """Counts the rolls that reach the target, or those that do not, and reduces the fraction."""
    sides, target = _dice(problem)
    whole = prod(sides)
    method, aim, steps, count = _counted(sides, target)
    answer = Fraction(count, whole)
    return WorkedSolution(
        method=method,
        strategy=rng.choice(
            (f"{aim}, then divide by all rolls.", f"Favourable over all rolls: {aim[0].lower()}{aim[1:]}.")
        ),
        tactics=(
            f"All rolls: {' * '.join(map(str, sides))} = {whole}" if len(sides) > 1 else f"All rolls: {whole}",
            *steps,
            _reduced(count, whole),
        ),
        check=verify_dice(problem, f"{answer.numerator}/{answer.denominator}").text,
        answer=f"{answer.numerator}/{answer.denominator}",
    )


def _counted(sides: list[int], target: int) -> tuple[str, str, list[str], int]:
    """The method, the aim in words, the steps, and the number of rolls that reach the target."""
    if len(sides) == 1:
        count = sides[0] - target + 1
        return "one die", f"Count the faces from {target} up", [f"{sides[0]} - {target} + 1 = {count}"], count
    if len(sides) == 2:
        return _pair_by_pair(sides, target)
    return _total_by_total(sides, target)


def _pair_by_pair(sides: list[int], target: int) -> tuple[str, str, list[str], int]:
    large, small = sides
    counts = [max(0, large - max(target - face, 1) + 1) for face in range(1, small + 1)]
    steps = [
        f"Smaller die {face}: the other needs {max(target - face, 1)} or more, {count} way{'s' * (count != 1)}"
        for face, count in enumerate(counts, start=1)
    ]
    total = f"{' + '.join(map(str, counts))} = {sum(counts)}" if small > 1 else f"{sum(counts)} in all"
    return "face by face", "Go through the faces of the smaller die", [*steps, total], sum(counts)


def _total_by_total(sides: list[int], target: int) -> tuple[str, str, list[str], int]:
    """Builds the ways of each total die by die; the shorter side of the target is added up."""
    steps = []
    for dice in range(2, len(sides) + 1):
        ways = ways_by_total(sides[:dice])
        steps.append(f"Ways with {dice} dice: {', '.join(f'{total} ({count})' for total, count in ways.items())}")
    ways = ways_by_total(sides)
    above = [count for total, count in ways.items() if total >= target]
    below = [count for total, count in ways.items() if total < target]
    if len(above) <= len(below):
        steps.append(f"From {target} up: {' + '.join(map(str, above))} = {sum(above)}")
        return "total by total", "Build up the ways of each total, die by die", steps, sum(above)
    whole = prod(sides)
    steps.append(f"Below {target}: {' + '.join(map(str, below))} = {sum(below)}")
    steps.append(f"{whole} - {sum(below)} = {sum(above)}")
    return "complement", "Build up the ways of each total and take away those below", steps, sum(above)


def _reduced(count: int, whole: int) -> str:
    divisor = gcd(count, whole)
    if divisor == 1:
        return f"{count} and {whole} share no factor: {count}/{whole}"
    return f"{count} / {divisor} = {count // divisor}, {whole} / {divisor} = {whole // divisor}: " + (
        f"{count // divisor}/{whole // divisor}"
    )


def verify_dice(problem: Problem, answer: str) -> Finding:
    """Turns every die round: a face becomes its opposite, so high totals become low ones."""
    sides, target = _dice(problem)
    mirror = sum(sides) + len(sides) - target
    count = sum(ways for total, ways in ways_by_total(sides[::-1]).items() if total <= mirror)
    found = Fraction(count, prod(sides))
    shown = f"{found.numerator}/{found.denominator}"
    return agreement(f"Dice turned round, totals up to {mirror}: {count} ways, {shown}", shown, answer)


def recap_dice(problem: Problem) -> str:
    """Names the dice and the target."""
    sides, target = _dice(problem)
    if len(sides) == 1:
        return f"One die has {sides[0]} faces; how likely is {target} or more?"
    dice = f"{', '.join(map(str, sides[:-1]))} and {sides[-1]}"
    return f"The dice have {dice} faces; how likely is a total of {target} or more?"


def _coins(problem: Problem) -> tuple[bool, int, int]:
    found = _COINS.search(problem.question)
    assert found, problem.question
    return found[1] == "exactly", int(found[2]), int(found[3])


def solve_coins(problem: Problem, rng: Random) -> WorkedSolution:
    """Counts the places of the heads; for "at least" on the side with fewer cases."""
    exact, heads, flips = _coins(problem)
    whole = 2**flips
    if exact:
        method, count = "choose the places", comb(flips, heads)
        strategy = f"Count in how many ways {counted(heads, 'head')} can lie among {counted(flips, 'place')}."
        steps = [chosen(flips, heads)]
    elif heads == 0:
        method, count, strategy, steps = "certain", whole, "0 heads or more always come.", [f"All {whole} cases count"]
    elif 2 * heads > flips:
        method, cases = "from the top", range(heads, flips + 1)
        count, strategy = sum(comb(flips, k) for k in cases), f"Few cases: {heads} to {flips} heads, so add them."
        strategy = strategy if heads < flips else "There is one case alone: every flip shows heads."
        steps = [*(chosen(flips, k) for k in cases), *_added([comb(flips, k) for k in cases])]
    else:
        method, cases = "complement", range(heads)
        below = [comb(flips, k) for k in cases]
        count, strategy = whole - sum(below), f"Fewer cases lie below {counted(heads, 'head')}: take those away."
        steps = [*(chosen(flips, k) for k in cases), *_added(below), f"{whole} - {sum(below)} = {whole - sum(below)}"]
    answer = format(count * 0.5**flips, ".10g")
    return verified(
        verify_coins,
        problem,
        answer,
        method=method,
        strategy=rng.choice((strategy, f"{strategy[:-1]}; then divide by all cases.")),
        tactics=(f"All cases: 2^{flips} = {whole}", *steps, f"{count} / {whole} {_decimal(count, whole)}"),
    )


def chosen(things: int, picked: int) -> str:
    """Returns the number of choices without order, as an equation.

    >>> chosen(5, 2), chosen(5, 0)
    ('5 choose 2: (5 * 4) / (1 * 2) = 10', '5 choose 0 = 1')
    """
    few = min(picked, things - picked)
    if few == 0:
        return f"{things} choose {picked} = 1"
    same = "" if few == picked else f" = {things} choose {few}"
    if few == 1:
        return f"{things} choose {picked} = {things}"
    above = " * ".join(str(things - n) for n in range(few))
    below = " * ".join(str(n + 1) for n in range(few))
    return f"{things} choose {picked}{same}: ({above}) / ({below}) = {comb(things, picked)}"


def _added(numbers: Sequence[int]) -> list[str]:
    """The sum, where there is something to add."""
    return [f"{' + '.join(map(str, numbers))} = {sum(numbers)}"] if len(numbers) > 1 else []


def _decimal(count: int, whole: int) -> str:
    """A share as a decimal, which says where it is rounded.

    >>> _decimal(21, 128), _decimal(6476, 16384)
    ('= 0.1640625', 'rounded to 10 digits: 0.3952636719')
    """
    shown = format(count / whole, ".10g")
    return f"= {shown}" if Fraction(shown) == Fraction(count, whole) else f"rounded to 10 digits: {shown}"


def verify_coins(problem: Problem, answer: str) -> Finding:
    """Reads the same from Pascal's triangle with heads and tails exchanged."""
    exact, heads, flips = _coins(problem)
    row = [1]
    for _ in range(flips):
        row = [left + right for left, right in zip([0, *row], [*row, 0], strict=True)]
    counts = [row[flips - heads]] if exact else row[: flips - heads + 1]
    found = format(sum(counts) / 2**flips, ".10g")
    words = f"{'exactly' if exact else 'at most'} {counted(flips - heads, 'tail')}"
    share = f"{sum(counts)} / {2**flips} {_decimal(sum(counts), 2**flips)}"
    return agreement(f"Pascal's triangle, row {flips}, {words}: {share}", found, answer)


def recap_coins(problem: Problem) -> str:
    """Names the flips and what is wanted."""
    exact, heads, flips = _coins(problem)
    wanted = f"{'exactly' if exact else 'at least'} {counted(heads, 'head')}"
    return f"A fair coin is flipped {counted(flips, 'time')}; how likely {'is' if heads == 1 else 'are'} {wanted}?"


DOMAIN = "probability and combinatorics"

FAMILIES: tuple[Family, ...] = (
    Family(
        name="dice",
        domain=DOMAIN,
        answer_type="fraction",
        levels=(
            {"num_dice": 1, "max_dice_size": Span(4, 60)},
            {"num_dice": 2, "max_dice_size": Span(5, 10)},
            {"num_dice": 2, "max_dice_size": Span(11, 16)},
            {"num_dice": 3, "max_dice_size": Span(4, 9)},
            {"num_dice": 4, "max_dice_size": Span(6, 10)},
        ),
        solve=solve_dice,
        generator="dice",
        recap=recap_dice,
        verify=verify_dice,
    ),
    Family(
        name="coin_flip",
        domain=DOMAIN,
        answer_type="number",
        levels=tuple(
            {"min_trials": low, "max_trials": high} for low, high in ((1, 4), (3, 6), (6, 9), (9, 14), (14, 24))
        ),
        solve=solve_coins,
        generator="coin_flip",
        recap=recap_coins,
        verify=verify_coins,
        unseen=True,
    ),
)
