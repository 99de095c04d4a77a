"""Common multiples and prime factors (ours)."""

from __future__ import annotations

from math import gcd, isqrt, lcm, prod
from random import Random

from workbench.pool.families.number_theory import euclid, prime_factors
from workbench.pool.family import Family, Finding, WorkedSolution, verified
from workbench.records import Problem

_SIGN = " × "
_SMALL = 7
"""Up to this prime, a number is divided at sight."""


def solve_lcm(problem: Problem, rng: Random) -> WorkedSolution:
    """Takes the larger number where it is a multiple, the product where nothing is shared, else divides by the GCD."""
    numbers = problem.metadata["numbers"]
    large, small = max(numbers), min(numbers)
    divisor, answer = gcd(large, small), lcm(large, small)
    if divisor == small:
        method = "one is a multiple"
        plans = (f"See whether {large} is a multiple of {small}.", f"Try {large} first: {small} may divide it.")
        steps = [f"{large} / {small} = {large // small}", f"So the LCM is {large}"]
    elif divisor == 1:
        method = "nothing shared"
        plans = ("Look for a common factor; without one the product is the LCM.", "No common factor: multiply.")
        steps = [*euclid(large, small)[0], "The GCD is 1", f"{large} * {small} = {answer}"]
    else:
        method = "product over GCD"
        plans = ("Find the GCD, divide one number by it, multiply by the other.", "LCM: one number over the GCD, times "
                 "the other.")  # fmt: skip
        steps = [
            *euclid(large, small)[0],
            f"The GCD is {divisor}",
            f"{small} / {divisor} = {small // divisor}",
            f"{large} * {small // divisor} = {answer}",
        ]
    return verified(verify_lcm, problem, str(answer), method=method, strategy=rng.choice(plans), tactics=steps)


def verify_lcm(problem: Problem, answer: str) -> Finding:
    """A common multiple is the least where the quotients share no factor."""
    value, numbers = int(answer), problem.metadata["numbers"]
    for number in numbers:
        if value <= 0 or value % number:
            return Finding(f"{answer} is no multiple of {number}: {value % number} is left.", False)
    quotients = [value // number for number in numbers]
    shown = ", ".join(f"{value} / {n} = {q}" for n, q in zip(numbers, quotients, strict=True))
    shared = gcd(*quotients)
    if shared > 1:
        return Finding(f"{shown}; both quotients can be divided by {shared}, so it is not the least.", False)
    return Finding(f"{shown}; the quotients share no factor.", True)


def recap_lcm(problem: Problem) -> str:
    """Names the numbers."""
    *others, last = problem.metadata["numbers"]
    each = "both" if len(others) == 1 else "all"
    return f"The least number is wanted that {', '.join(map(str, others))} and {last} {each} divide."


def solve_factors(problem: Problem, rng: Random) -> WorkedSolution:
    """Divides by small primes as long as it goes, and proves what is left to be prime."""
    number = problem.metadata["number"]
    primes = prime_factors(number)
    steps, left = list[str](), number
    for prime in primes[:-1]:
        steps.append(f"{left} / {prime} = {left // prime}")
        left //= prime
    steps.append(_proved(left))
    if len(primes) == 1:
        method = "prime already"
        plans = (
            f"Try primes up to {isqrt(number)}: the next square is above {number}.",
            "Try one small prime after the other.",
        )
    elif primes[-1] <= _SMALL:
        method = "small primes"
        plans = ("Divide by 2, 3, 5 and 7 as long as it goes.", "Small primes only: take them out one by one.")
    else:
        method = "small primes, then the rest"
        plans = ("Take small primes out, then test what is left.", "Divide while it goes; the rest may be prime.")
    answer = _SIGN.join(map(str, primes))
    return verified(
        verify_factors,
        problem,
        answer,
        method=method,
        strategy=rng.choice(plans),
        tactics=(*steps, f"Together: {answer}"),
    )


def _proved(prime: int) -> str:
    tried = [number for number in range(2, isqrt(prime) + 1) if prime_factors(number) == [number]]
    if not tried:
        return f"{prime} is prime"
    return f"{', '.join(map(str, tried))} do{'es' * (len(tried) == 1)} not divide {prime}, so it is prime"


def verify_factors(problem: Problem, answer: str) -> Finding:
    """Multiplies back, and looks at every factor."""
    number, factors = problem.metadata["number"], [int(part) for part in answer.split(_SIGN)]
    composite = next((factor for factor in factors if len(prime_factors(factor)) != 1), None)
    shown, total = [str(factors[0])] if len(factors) == 1 else [], factors[0]
    for factor in factors[1:]:
        shown.append(f"{total} * {factor} = {total * factor}")
        total *= factor
    route = f"Multiplied back: {', '.join(shown)}"
    if prod(factors) != number:
        return Finding(f"{route}, not {number}.", False)
    if composite is not None:
        parts = " * ".join(map(str, prime_factors(composite)))
        return Finding(f"{route}, but {composite} is {parts}, not a prime.", False)
    return Finding(f"{route}; every factor is prime.", True)


def mistaken_factors(problem: Problem, answer: str, rng: Random) -> str:
    """Leaves two factors together, or takes one out that is not in it."""
    factors = [int(part) for part in answer.split(_SIGN)]
    if len(factors) == 1:
        return _SIGN.join(map(str, (3, max(factors[0] // 3, 2))))
    place = rng.randrange(len(factors) - 1)
    merged = [*factors[:place], factors[place] * factors[place + 1], *factors[place + 2 :]]
    return _SIGN.join(map(str, merged))


def recap_factors(problem: Problem) -> str:
    """Names the number."""
    return f"{problem.metadata['number']} is to be written as a product of primes."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="lcm",
        domain="number theory",
        answer_type="number",
        levels=tuple(
            {"min_value": low, "max_value": high} for low, high in ((2, 20), (4, 40), (8, 80), (20, 200), (200, 2_000))
        ),
        solve=solve_lcm,
        generator="lcm",
        keep=("numbers",),
        recap=recap_lcm,
        verify=verify_lcm,
    ),
    Family(
        name="prime_factorization",
        domain="number theory",
        answer_type="text",
        levels=tuple(
            {"min_value": low, "max_value": high}
            for low, high in ((4, 200), (50, 500), (200, 2_000), (1_000, 9_999), (10_000, 99_999))
        ),
        solve=solve_factors,
        generator="prime_factorization",
        keep=("number",),
        recap=recap_factors,
        verify=verify_factors,
        mistake=mistaken_factors,
    ),
)
