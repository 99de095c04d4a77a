"""Sums, differences and products of complex numbers with whole parts (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.pool.family import Family, Finding, WorkedSolution, agreement, verified
from workbench.records import Problem

Pair = tuple[int, int]


def shown(value: Pair) -> str:
    """Returns a number as reasoning-gym writes it.

    >>> shown((4, -7)), shown((3, 0)), shown((0, 2))
    ('4.0 - 7.0i', '3.00', '2.00i')
    """
    real, imaginary = value
    if imaginary == 0:
        return f"{real:.2f}"
    if real == 0:
        return f"{imaginary:.2f}i"
    return f"{float(real)} {'+' if imaginary > 0 else '-'} {float(abs(imaginary))}i"


def _given(problem: Problem) -> tuple[Pair, Pair, str]:
    (a, b), (c, d) = problem.metadata["num1"], problem.metadata["num2"]
    return (int(a), int(b)), (int(c), int(d)), problem.metadata["operation"]


def _result(left: Pair, right: Pair, operation: str) -> Pair:
    (a, b), (c, d) = left, right
    if operation == "*":
        return a * c - b * d, a * d + b * c
    return (a + c, b + d) if operation == "+" else (a - c, b - d)


def _signed(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


def solve_complex(problem: Problem, rng: Random) -> WorkedSolution:
    """Real and imaginary parts apart; a product needs four small ones."""
    left, right, operation = _given(problem)
    method, plans, steps = _multiplied(left, right) if operation == "*" else _added(left, right, operation)
    answer = shown(_result(left, right, operation))
    return verified(
        verify_complex,
        problem,
        answer,
        method=method,
        strategy=rng.choice(plans),
        tactics=(*steps, f"Together: {answer}"),
    )


Way = tuple[str, tuple[str, str], list[str]]


def _multiplied(left: Pair, right: Pair) -> Way:
    (a, b), (c, d) = left, right
    real, imaginary = _result(left, right, "*")
    plans = ("Multiply every part by every part; i * i is -1.", "Four products; the one with i * i changes its sign.")
    steps = [
        f"{a} * {_signed(c)} = {a * c}",
        f"{b}i * {_signed(d)}i = {b * d} * (-1) = {-b * d}",
        f"Real: {a * c} + {_signed(-b * d)} = {real}",
        f"{a} * {_signed(d)} = {a * d}",
        f"{b} * {_signed(c)} = {b * c}",
        f"Imaginary: {a * d} + {_signed(b * c)} = {imaginary}",
    ]
    return "four products", plans, steps


def _added(left: Pair, right: Pair, operation: str) -> Way:
    (a, b), (c, d) = left, right
    if operation == "+":
        method = "part by part"
        plans = ("Add the real parts and the imaginary parts apart.", "Part by part: real to real, i to i.")
    else:
        method, c, d = "turn the signs, then add", -c, -d
        plans = (
            "Turn both signs of the second number, then add part by part.",
            "Subtracting is adding with signs turned.",
        )
    return method, plans, [f"Real: {a} + {_signed(c)} = {a + c}", f"Imaginary: {b} + {_signed(d)} = {b + d}"]


def verify_complex(problem: Problem, answer: str) -> Finding:
    """Undoes a sum; multiplies again with three products (Gauss)."""
    (a, b), (c, d), operation = _given(problem)
    if operation == "*":
        k1, k2, k3 = c * (a + b), a * (d - c), b * (c + d)
        found = shown((k1 - k3, k1 + k2))
        route = (
            f"With three products: {_signed(c)} * {_signed(a + b)} = {k1}, {_signed(a)} * {_signed(d - c)} = {k2}, "
            f"{_signed(b)} * {_signed(c + d)} = {k3}; {k1} - {_signed(k3)} = {k1 - k3}, "
            f"{k1} + {_signed(k2)} = {k1 + k2}"
        )
        return agreement(route, found, answer)
    value = complex(answer.replace(" ", "").replace("i", "j"))
    sign = -1 if operation == "+" else 1
    back = (int(value.real) + sign * c, int(value.imag) + sign * d)
    word = "minus" if operation == "+" else "plus"
    fits = back == (a, b)
    return Finding(
        f"Undone: {answer} {word} the second number is {shown(back)}, {'' if fits else 'not '}the first"
        f"{'' if fits else f' ({shown((a, b))})'}.",
        fits,
    )


def mistaken_complex(problem: Problem, answer: str, rng: Random) -> str:
    """Forgets that a sign turns, in one of the parts."""
    value = complex(answer.replace(" ", "").replace("i", "j"))
    real, imaginary = int(value.real), int(value.imag)
    wrong = rng.choice(((real + 2, imaginary), (real, imaginary + 2), (real, -imaginary)))
    return shown(wrong if wrong != (real, imaginary) else (real + 2, imaginary))


def _has_no_signed_zero(item: Mapping[str, Any]) -> bool:
    """The generator writes a zero that floats call negative as ``-0.00``."""
    return not str(item["answer"]).startswith("-0.00")


def recap_complex(problem: Problem) -> str:
    """Names the numbers and what is done with them."""
    left, right, operation = _given(problem)
    word = {"+": "sum", "-": "difference", "*": "product"}[operation]
    return f"The {word} of {shown(left)} and {shown(right)} is wanted."


def _level(size: int, weights: tuple[float, float, float]) -> dict[str, object]:
    return {
        "min_real": -size if size > 5 else 1,
        "max_real": size,
        "min_imag": -size if size > 5 else 1,
        "max_imag": size,
        "operations": ("+", "-", "*"),
        "operations_weights": weights,
    }


FAMILIES: tuple[Family, ...] = (
    Family(
        name="complex_arithmetic",
        domain="algebra",
        answer_type="text",
        levels=(
            _level(5, (1, 0, 0)),
            _level(9, (0.6, 0.4, 0)),
            _level(10, (0.3, 0.4, 0.3)),
            _level(12, (0, 0, 1)),
            _level(99, (0, 0.2, 0.8)),
        ),
        solve=solve_complex,
        generator="complex_arithmetic",
        keep=("num1", "num2", "operation"),
        recap=recap_complex,
        verify=verify_complex,
        mistake=mistaken_complex,
        usable=_has_no_signed_zero,
    ),
)
