"""Sums, products and legs: one small operation a step, every intermediate value written out (ours)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, combinations
from math import prod
from random import Random

from reasoning_gym.arithmetic.leg_counting import ANIMALS

from workbench.pool.family import Family, Finding, WorkedSolution, agreement
from workbench.records import Problem


def chain(start: int, moves: Iterable[tuple[str, int]]) -> list[str]:
    """Returns one equation for each move, a sign and a number, from the running total before it.

    >>> chain(34, [("+", 12), ("-", 9)])
    ['34 + 12 = 46', '46 - 9 = 37']
    """
    equations = []
    for sign, number in moves:
        total = start + number if sign == "+" else start - number
        equations.append(f"{start} {sign} {number} = {total}")
        start = total
    return equations


def by_tens(start: int, moves: Iterable[tuple[str, int]]) -> list[str]:
    """Like `chain`, but a number with tens and ones moves in two small steps.

    >>> by_tens(98, [("+", 12), ("-", 6)])
    ['98 + 10 = 108', '108 + 2 = 110', '110 - 6 = 104']
    """
    return chain(start, [(sign, part) for sign, number in moves for part in (_tens_and_ones(number) or [0])])


def running_sums(numbers: Sequence[int]) -> list[str]:
    """Returns the equations that add one number or more up, none for a single one.

    >>> running_sums([34, 12])
    ['34 + 12 = 46']
    """
    return chain(numbers[0], [("+", number) for number in numbers[1:]])


def partial_products(left: int, right: int) -> list[str]:
    """Multiplies by tens and ones, then adds the parts up.

    >>> partial_products(56, 9)
    ['50 * 9 = 450', '6 * 9 = 54', '450 + 54 = 504']
    """
    if min(left, right) <= 1 or left % 100 == 0 or right % 100 == 0:
        return [f"{left} * {right} = {left * right}"]
    parts = [(a, b) for a in _tens_and_ones(left) for b in _tens_and_ones(right)]
    return [f"{a} * {b} = {a * b}" for a, b in parts] + running_sums([a * b for a, b in parts])


def _tens_and_ones(number: int) -> list[int]:
    return [part for part in (number // 10 * 10, number % 10) if part]


def solve_chain_sum(problem: Problem, rng: Random) -> WorkedSolution:
    """Adds and subtracts in the order that keeps the totals simple."""
    first, *rest = problem.metadata["expression"].split()
    start, moves = int(first), [(sign, int(number)) for sign, number in zip(rest[::2], rest[1::2], strict=True)]
    totals = list(accumulate([start, *(number if sign == "+" else -number for sign, number in moves)]))
    numbers = [start, *(number for _, number in moves)]
    pair = _round_pair(numbers) if all(sign == "+" for sign, _ in moves) else None
    if pair is not None:
        return _sum_round_pair(numbers, pair, rng)
    if min(totals) >= 0:
        return _sum_left_to_right(start, moves, totals[-1], rng)
    return _turn_difference(start, moves[0][1], rng) if len(moves) == 1 else _sum_apart(start, moves, rng)


def _round_pair(numbers: Sequence[int]) -> tuple[int, int] | None:
    """Returns the places of two of several numbers that add up to full tens."""
    pairs = combinations(range(len(numbers)), 2) if len(numbers) > 2 else iter(())
    return next(((i, j) for i, j in pairs if numbers[i] % 10 and (numbers[i] + numbers[j]) % 10 == 0), None)


def _sum_round_pair(numbers: Sequence[int], pair: tuple[int, int], rng: Random) -> WorkedSolution:
    first, second = (numbers[place] for place in pair)
    rest = [number for place, number in enumerate(numbers) if place not in pair]
    other_order = list(reversed(numbers)) if pair == (0, 1) else numbers
    strategy = rng.choice(
        (
            f"All plus, so start with {first} and {second}: they make full tens.",
            f"All plus: {first} and {second} make full tens, so they go first.",
        )
    )
    return WorkedSolution(
        method="round pair first",
        strategy=strategy,
        tactics=tuple(running_sums([first, second, *rest])),
        check=f"In another order: {', '.join(running_sums(other_order))}.",
        answer=str(sum(numbers)),
    )


def _sum_left_to_right(start: int, moves: Sequence[tuple[str, int]], total: int, rng: Random) -> WorkedSolution:
    undone = chain(total, [("-" if sign == "+" else "+", number) for sign, number in reversed(moves)])
    return WorkedSolution(
        method="running total",
        strategy=rng.choice(
            ("Go from left to right and keep a running total.", "Keep a running total, left to right.")
        ),
        tactics=tuple(by_tens(start, moves)),
        check=f"{rng.choice(('Backwards', 'Undone'))}: {', '.join(undone)}.",
        answer=str(total),
    )


def _turn_difference(start: int, taken: int, rng: Random) -> WorkedSolution:
    result = start - taken
    strategy = rng.choice(
        (
            f"{taken} is more than {start}: subtract the other way, then put a minus.",
            f"{start} is less than {taken}: turn it round and put a minus.",
        )
    )
    return WorkedSolution(
        method="turn round",
        strategy=strategy,
        tactics=(f"{taken} - {start} = {-result}", f"{start} - {taken} = {result}"),
        check=f"{rng.choice(('Backwards', 'Undone'))}: {result} + {taken} = {start}.",
        answer=str(result),
    )


def _sum_apart(start: int, moves: Sequence[tuple[str, int]], rng: Random) -> WorkedSolution:
    """For chains whose running total would drop below zero on the way."""
    added = [start, *(number for sign, number in moves if sign == "+")]
    taken = [number for sign, number in moves if sign == "-"]
    plus, minus = sum(added), sum(taken)
    steps = [f"Plus: {equation}" for equation in running_sums(added)]
    steps += [f"Minus: {equation}" for equation in running_sums(taken)]
    if plus < minus:
        steps.append(f"{minus} - {plus} = {minus - plus}")
    steps.append(f"{plus} - {minus} = {plus - minus}")
    longer = max(added, taken, key=len)
    strategy = rng.choice(
        (
            "The total would drop below 0, so take plus and minus apart.",
            "To stay above 0, take plus and minus apart.",
        )
    )
    return WorkedSolution(
        method="plus and minus apart",
        strategy=strategy,
        tactics=tuple(steps),
        check=f"Backwards: {plus - minus} + {minus} = {plus}, {sum(longer)} - {longer[-1]} = {sum(longer[:-1])}.",
        answer=str(plus - minus),
    )


def solve_products(problem: Problem, rng: Random) -> WorkedSolution:
    """Multiplies by way of easy factors: fives, tens and ones, the next full ten."""
    factors = [int(factor) for factor in problem.metadata["expression"].split(" * ")]
    if 0 in factors:
        return _zero_product(factors, rng)
    if len(factors) > 2:
        return _long_product(factors, rng)
    return _table_fact(factors, rng) if max(factors) < 10 else _wide_product(factors, rng)


def _zero_product(factors: Sequence[int], rng: Random) -> WorkedSolution:
    other = next((factor for factor in factors if factor), 0)
    return WorkedSolution(
        method="zero",
        strategy=rng.choice(("One factor is 0, so the product is 0.", "A factor of 0 makes the product 0.")),
        tactics=(f"{other} * 0 = 0",),
        check=f"The other way round, 0 * {other} = 0, too.",
        answer="0",
    )


def _table_fact(factors: Sequence[int], rng: Random) -> WorkedSolution:
    small, large = sorted(factors)
    product = small * large
    if small == 1 or large <= 5:
        method, strategy = "small table", rng.choice(("A small table fact.", "This is in the small times table."))
        tactics = [f"{small} * {large} = {product}"]
    else:
        method = "five and the rest"
        strategy = rng.choice((f"Split {large} into 5 and the rest.", f"Take {small} five times, then the rest."))
        parts = [5, large - 5]
        tactics = [f"{small} * {part} = {small * part}" for part in parts]
        tactics += running_sums([small * part for part in parts])
    check = f"{product} / {large} = {small}, the other factor."
    return WorkedSolution(method=method, strategy=strategy, tactics=tuple(tactics), check=check, answer=str(product))


def _long_product(factors: Sequence[int], rng: Random) -> WorkedSolution:
    """Three one-digit factors: 5 and an even number first, where there are both."""
    tens = next(((a, b) for a, b in combinations(factors, 2) if a * b % 10 == 0), None)
    ordered = list(factors)
    if tens is not None:
        method = "full tens first"
        strategy = rng.choice((f"{tens[0]} and {tens[1]} make full tens: begin there.", "Make full tens first."))
        for factor in tens:
            ordered.remove(factor)
        ordered = [*tens, *ordered]
    else:
        method = "left to right"
        strategy = rng.choice(("Multiply left to right, tens and ones apart.", "Go left to right by tens and ones."))
    tactics: list[str] = []
    for before, factor in zip(accumulate(ordered, lambda a, b: a * b), ordered[1:], strict=False):
        tactics += partial_products(before, factor)
    inner = ordered[-1] * ordered[-2]
    product = prod(factors)
    check = f"In another order: {ordered[-1]} * {ordered[-2]} = {inner}, {inner} * {ordered[0]} = {product}."
    return WorkedSolution(method=method, strategy=strategy, tactics=tuple(tactics), check=check, answer=str(product))


def _wide_product(factors: Sequence[int], rng: Random) -> WorkedSolution:
    left, right = sorted(factors, key=lambda factor: factor % 10 == 9)
    product = left * right
    if right % 10 == 9:
        method, above = "next full ten", right + 1
        strategy = f"{right} is 1 below {above}: multiply by {above}, then take {left} away."
        tactics = [*partial_products(left, above), f"{left * above} - {left} = {product}"]
    else:
        method, tactics = "tens and ones", partial_products(left, right)
        strategy = rng.choice(
            ("Split both into tens and ones, add the parts.", "Multiply tens and ones apart, then add.")
        )
    ones = left % 10 * (right % 10)
    low, high = left // 10 * 10, right // 10 * 10
    check = (
        f"{left % 10} * {right % 10} = {ones} and {product} both end in {ones % 10}; "
        f"{low} * {high} = {low * high} is {'the same' if low * high == product else 'below'}."
    )
    return WorkedSolution(method=method, strategy=strategy, tactics=tuple(tactics), check=check, answer=str(product))


def solve_leg_counting(problem: Problem, rng: Random) -> WorkedSolution:
    """Multiplies each of two animals or more by its legs; more than two need a running total."""
    animals: dict[str, int] = problem.metadata["animals"]
    legs = [count * ANIMALS[animal] for animal, count in animals.items()]
    products = [
        f"{animal}: {count} * {ANIMALS[animal]} = {part}"
        for (animal, count), part in zip(animals.items(), legs, strict=True)
    ]
    if len(animals) > 2:
        method = "running total"
        strategy = rng.choice(
            ("Count the legs of each animal, then add up.", "Legs of each animal, then a running total.")
        )
    elif len(animals) == 1:
        return _one_kind(products[0], *next(iter(animals.items())), rng)
    else:
        method = "one sum"
        strategy = rng.choice(("Count the legs of both animals, then add.", "Legs of both animals, then one sum."))
    total = sum(legs)
    undone = chain(total, [("-", part) for part in reversed(legs[1:])])
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=(*products, *running_sums(legs)),
        check=f"Backwards: {', '.join(undone)}.",
        answer=str(total),
    )


def _one_kind(product: str, animal: str, count: int, rng: Random) -> WorkedSolution:
    """Animals of one kind: a single product."""
    legs = ANIMALS[animal]
    plans = ("There is one kind of animal: multiply its number by its legs.", "One kind: number times legs.")
    check = f"Shared out again: {count * legs} / {legs} = {count}." if legs else f"No {animal} has legs: 0 in all."
    return WorkedSolution(
        method="one product", strategy=rng.choice(plans), tactics=(product,), check=check, answer=str(count * legs)
    )


def verify_chain(problem: Problem, answer: str) -> Finding:
    """All that is added and all that is taken away, each in one sum."""
    first, *rest = problem.metadata["expression"].split()
    pairs = list(zip(rest[::2], map(int, rest[1::2]), strict=True))
    plus = int(first) + sum(number for sign, number in pairs if sign == "+")
    minus = sum(number for sign, number in pairs if sign == "-")
    if not minus:
        numbers = [int(first), *(number for _, number in pairs)][::-1]
        return agreement(f"From right to left: {', '.join(running_sums(numbers))}", plus, answer)
    return agreement(
        f"What is added makes {plus}, what is taken away {minus}: {plus} - {minus} = {plus - minus}",
        plus - minus,
        answer,
    )


def recap_chain(problem: Problem) -> str:
    """Names the sum."""
    return f"The value of {problem.metadata['expression']} is wanted."


def verify_products(problem: Problem, answer: str) -> Finding:
    """Divides the answer by one factor after the other; the last one must be left."""
    factors, value = [int(factor) for factor in problem.metadata["expression"].split(" * ")], int(answer)
    if 0 in factors:
        return agreement("One factor is 0, so the product is 0", 0, answer)
    steps: list[str] = []
    for factor in factors[:0:-1]:
        quotient, left = divmod(value, factor)
        if left:
            return Finding(f"{', '.join([*steps, f'{value} / {factor}'])} leaves {left}, so it is no product.", False)
        steps.append(f"{value} / {factor} = {quotient}")
        value = quotient
    fits = value == factors[0]
    return Finding(f"Divided: {', '.join(steps)}, {'the factor left' if fits else f'not {factors[0]}'}.", fits)


def verify_legs(problem: Problem, answer: str) -> Finding:
    """Takes the legs of every animal away again, the last animal first; nothing may be left."""
    left, steps = int(answer), list[str]()
    for animal, count in reversed(problem.metadata["animals"].items()):
        after = left - count * ANIMALS[animal]
        steps.append(f"{left} - {count * ANIMALS[animal]} = {after}")
        left = after
    return Finding(
        f"Taken away: {', '.join(steps)}, {'nothing is left' if left == 0 else 'where 0 should be left'}.", left == 0
    )


def recap_legs(problem: Problem) -> str:
    """Counts the animals."""
    animals = ", ".join(f"{animal} {count}" for animal, count in problem.metadata["animals"].items())
    return f"Animals: {animals}; all their legs together are wanted."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="chain_sum",
        domain="arithmetic",
        answer_type="number",
        levels=(
            {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
            {"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 2},
            {"min_terms": 3, "max_terms": 3, "min_digits": 2, "max_digits": 2},
        ),
        solve=solve_chain_sum,
        generator="chain_sum",
        keep=("expression",),
        core=True,
        recap=recap_chain,
        verify=verify_chain,
        easier=({"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},),
        harder=({"min_terms": 5, "max_terms": 6, "min_digits": 3, "max_digits": 4},),
    ),
    Family(
        name="products",
        domain="arithmetic",
        answer_type="number",
        levels=(
            {"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 1},
            {"min_terms": 3, "max_terms": 3, "min_digits": 1, "max_digits": 1},
            {"min_terms": 2, "max_terms": 2, "min_digits": 2, "max_digits": 2},
        ),
        solve=solve_products,
        generator="products",
        keep=("expression",),
        core=True,
        recap=recap_chain,
        verify=verify_products,
        easier=({"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},),
        harder=({"min_terms": 2, "max_terms": 3, "min_digits": 3, "max_digits": 3},),
        unseen=True,
    ),
    Family(
        name="leg_counting",
        domain="word problems",
        answer_type="number",
        levels=(
            {"min_animals": 2, "max_animals": 2, "min_instances": 1, "max_instances": 5},
            {"min_animals": 2, "max_animals": 2, "min_instances": 1, "max_instances": 9},
            {"min_animals": 3, "max_animals": 3, "min_instances": 1, "max_instances": 9},
        ),
        solve=solve_leg_counting,
        generator="leg_counting",
        keep=("animals",),
        core=True,
        recap=recap_legs,
        verify=verify_legs,
        easier=({"min_animals": 1, "max_animals": 1, "min_instances": 1, "max_instances": 5},),
        harder=({"min_animals": 6, "max_animals": 8, "min_instances": 20, "max_instances": 99},),
    ),
)
