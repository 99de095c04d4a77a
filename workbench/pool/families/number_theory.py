"""Common divisors and fractions in lowest terms: division with remainder, written as ``a = q * b + r`` (ours)."""

from __future__ import annotations

from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem

_FEW_DIVISORS = 10
"""Up to here all divisors of a number are quickly listed."""
_EASY_PRIMES = (2, 3, 5)
"""Divisors that are seen in a number's digits."""


def division(number: int, divisor: int) -> str:
    """Returns a division as an equation, its remainder left out where it is 0.

    >>> division(48, 18), division(36, 18)
    ('48 = 2 * 18 + 12', '36 = 2 * 18')
    """
    quotient, remainder = divmod(number, divisor)
    return f"{number} = {quotient} * {divisor}" + (f" + {remainder}" if remainder else "")


def euclid(large: int, small: int) -> tuple[list[str], int]:
    """Returns Euclid's divisions, which stop early at a remainder of 1, and the greatest common divisor.

    >>> euclid(48, 18)
    (['48 = 2 * 18 + 12', '18 = 1 * 12 + 6', '12 = 2 * 6'], 6)
    """
    steps = [division(large, small)]
    while large % small > 1:
        large, small = small, large % small
        steps.append(division(large, small))
    return steps, small if large % small == 0 else 1


def prime_factors(number: int) -> list[int]:
    """Returns the primes that make up ``number``, smallest first, each as often as it occurs.

    >>> prime_factors(60)
    [2, 2, 3, 5]
    """
    primes, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            primes.append(divisor)
            number //= divisor
        divisor += 1
    return primes


def solve_gcd(problem: Problem, rng: Random) -> WorkedSolution:
    """Looks at the smaller number first: does it divide, is it prime, has it few divisors? Else Euclid."""
    small, large = sorted(problem.metadata["numbers"])
    steps, divisor = euclid(large, small)
    if large % small == 0:
        method = "one divides the other"
        strategy = rng.choice((f"See whether {small} divides {large}.", f"Try to divide {large} by {small}."))
    elif len(prime_factors(small)) == 1:
        method, steps = "prime", [division(large, small), f"{small} is prime and does not divide {large}"]
        strategy = f"{small} is prime, so the GCD is {small} or 1."
    elif small <= _FEW_DIVISORS:
        method, steps = "list of divisors", _try_divisors(large, small)
        strategy = rng.choice(
            (f"{small} has few divisors: try them from the top.", f"Try the few divisors of {small}.")
        )
    else:
        method = "Euclid"
        strategy = rng.choice(("Euclid: divide, keep the remainder, repeat.", "Divide with remainder again and again."))
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(steps),
        check=_check_gcd(problem.metadata["numbers"], divisor),
        answer=str(divisor),
    )


def _try_divisors(large: int, small: int) -> list[str]:
    divisors = [divisor for divisor in range(small, 0, -1) if small % divisor == 0]
    steps = [f"Divisors of {small}: {', '.join(map(str, divisors))}"]
    for divisor in divisors:
        if divisor > 1:
            steps.append(division(large, divisor))
        if large % divisor == 0:
            break
    return steps


def _check_gcd(numbers: list[int], divisor: int) -> str:
    left, right = numbers
    if divisor > 1:
        quotients = f"{left} / {divisor} = {left // divisor} and {right} / {divisor} = {right // divisor}"
        return f"{quotients} share no factor."
    shown = (f"{number} has {', '.join(map(str, sorted(set(prime_factors(number)))))}" for number in numbers)
    return f"Primes: {'; '.join(shown)}; none in both."


def solve_fraction(problem: Problem, rng: Random) -> WorkedSolution:
    """Takes out easy primes one by one; Euclid finds what the digits do not show."""
    numerator, denominator = problem.metadata["numerator"], problem.metadata["denominator"]
    steps, divisor = euclid(denominator, numerator)
    primes = prime_factors(divisor)
    if denominator % numerator == 0:
        method = "numerator divides"
        strategy = rng.choice(
            (f"{numerator} divides {denominator}.", f"See whether {numerator} divides {denominator}.")
        )
        steps.append(f"{numerator} / {numerator} = 1")
    elif primes and len(primes) <= 2 and primes[-1] in _EASY_PRIMES:
        method, steps = "small primes", _cancel(numerator, denominator, primes)
        strategy = rng.choice(
            ("The digits show a common factor: cancel step by step.", "Cancel 2, 3 and 5 one by one.")
        )
    else:
        method = "Euclid"
        strategy = rng.choice(("Find the GCD with Euclid, then divide by it.", "Euclid gives the GCD; divide by it."))
        steps += _cancel(numerator, denominator, [divisor])
    top, bottom = numerator // divisor, denominator // divisor
    back = f"{top} * {divisor} = {numerator} and {bottom} * {divisor} = {denominator}"
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(steps),
        check=f"{back}; {top} and {bottom} share no factor.",
        answer=f"{top}/{bottom}",
    )


def _cancel(numerator: int, denominator: int, divisors: list[int]) -> list[str]:
    steps = []
    for divisor in divisors:
        top, bottom = numerator // divisor, denominator // divisor
        steps.append(f"{numerator} / {divisor} = {top}, {denominator} / {divisor} = {bottom}")
        numerator, denominator = top, bottom
    return steps


def verify_gcd(problem: Problem, answer: str) -> Finding:
    """Divides both numbers by the answer; it is the greatest where the quotients share no prime."""
    value, numbers = int(answer), problem.metadata["numbers"]
    for number in numbers:
        if value <= 0 or number % value:
            return Finding(f"{number} / {answer} leaves a remainder, so {answer} does not divide both.", False)
    quotients = [number // value for number in numbers]
    shared = sorted(set(prime_factors(quotients[0])) & set(prime_factors(quotients[1])))
    shown = " and ".join(f"{n} / {value} = {q}" for n, q in zip(numbers, quotients, strict=True))
    if shared:
        return Finding(f"{shown}, but both can be divided by {shared[0]}.", False)
    return Finding(f"{shown}, which have no prime in common.", True)


def recap_gcd(problem: Problem) -> str:
    """Names the numbers."""
    return f"The greatest number is wanted that divides {' and '.join(map(str, problem.metadata['numbers']))}."


def verify_fraction(problem: Problem, answer: str) -> Finding:
    """Multiplies crosswise, and looks for a prime in both parts."""
    numerator, denominator = problem.metadata["numerator"], problem.metadata["denominator"]
    top, bottom = map(int, answer.split("/"))
    left, right = numerator * bottom, denominator * top
    route = f"Crosswise: {numerator} * {bottom} = {left}, {denominator} * {top} = {right}"
    if left != right:
        return Finding(f"{route}, which differ.", False)
    shared = sorted(set(prime_factors(top)) & set(prime_factors(bottom)))
    if shared:
        return Finding(f"{route}, but {top} and {bottom} can both be divided by {shared[0]}.", False)
    return Finding(f"{route}; {top} and {bottom} have no prime in common.", True)


def mistaken_fraction(problem: Problem, answer: str, rng: Random) -> str:
    """Stops too early, or divides one part wrongly."""
    top, bottom = map(int, answer.split("/"))
    return rng.choice((f"{top + 1}/{bottom}", f"{top}/{bottom + 1}", f"{2 * top}/{2 * bottom}"))


def recap_fraction(problem: Problem) -> str:
    """Names the fraction."""
    return f"{problem.metadata['numerator']}/{problem.metadata['denominator']} is wanted in lowest terms."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="gcd",
        unseen=True,
        domain="number theory",
        answer_type="number",
        levels=(
            {"min_value": 2, "max_value": 40},
            {"min_value": 2, "max_value": 60},
            {"min_value": 4, "max_value": 90},
        ),
        solve=solve_gcd,
        generator="gcd",
        keep=("numbers",),
        core=True,
        recap=recap_gcd,
        verify=verify_gcd,
        easier=({"min_value": 2, "max_value": 10},),
        harder=({"min_value": 500, "max_value": 9_999},),
    ),
    Family(
        name="fraction_simplification",
        domain="number theory",
        answer_type="fraction",
        levels=(
            {"max_value": 16, "min_factor": 2, "max_factor": 9, "styles": ("plain",)},
            {"max_value": 30, "min_factor": 2, "max_factor": 10, "styles": ("plain",)},
            {"max_value": 50, "min_factor": 2, "max_factor": 12, "styles": ("plain",)},
        ),
        solve=solve_fraction,
        generator="fraction_simplification",
        keep=("numerator", "denominator"),
        core=True,
        recap=recap_fraction,
        verify=verify_fraction,
        mistake=mistaken_fraction,
        easier=({"max_value": 9, "min_factor": 2, "max_factor": 2, "styles": ("plain",)},),
        harder=({"min_value": 50, "max_value": 500, "min_factor": 11, "max_factor": 60, "styles": ("plain",)},),
        unseen=True,
    ),
)
