"""Equations of degree one with whole solutions (ours)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem

_TERM = re.compile(r"([+-]?)(?:(\d+)\*)?(\d+|[a-z])")


@dataclass(frozen=True, slots=True)
class LinearEquation:
    """``coefficient * variable + constant = value``."""

    variable: str
    coefficient: int
    constant: int
    value: int

    @classmethod
    def parse(cls, text: str) -> LinearEquation:
        """Reads an equation whose left side holds the variable once.

        >>> LinearEquation.parse("3 - 6*e = -39")
        LinearEquation(variable='e', coefficient=-6, constant=3, value=-39)
        """
        left, right = text.replace(" ", "").split("=")
        variable, coefficient, constant = "", 0, 0
        for sign, factor, atom in _TERM.findall(left):
            if atom.isdigit():
                constant += int(f"{sign}{atom}")
            else:
                variable, coefficient = atom, int(f"{sign}{factor or 1}")
        return cls(variable, coefficient, constant, int(right))

    @property
    def unknown(self) -> str:
        """The variable with its coefficient's size, such as ``6*e``."""
        size = abs(self.coefficient)
        return self.variable if size == 1 else f"{size}*{self.variable}"

    def flipped(self) -> LinearEquation:
        """Returns the equation with every sign turned."""
        return LinearEquation(self.variable, -self.coefficient, -self.constant, -self.value)


def solve_equation(problem: Problem, rng: Random) -> WorkedSolution:
    """Frees the variable: the constant goes first, then the coefficient."""
    equation = LinearEquation.parse(problem.metadata["equation"])
    solution = (equation.value - equation.constant) // equation.coefficient
    method, strategy = _choose(equation, rng)
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(_free_variable(equation)),
        check=f"{_check(equation, solution)}, {rng.choice(('as given', 'the right side'))}.",
        answer=str(solution),
    )


def _choose(equation: LinearEquation, rng: Random) -> tuple[str, str]:
    if equation.coefficient < 0 and equation.constant > 0:
        return "swap", rng.choice(
            ("Swap: find what was taken from the constant, then divide.", "Find what was taken away, then divide.")
        )
    if equation.coefficient < 0:
        return "turn the signs", rng.choice(("Turn all signs, then divide.", "Make it positive first, then divide."))
    if equation.constant == 0:
        return "divide", rng.choice(("Only a factor to undo: divide.", "One factor stands before it, so divide."))
    if equation.coefficient == 1:
        return "undo the constant", rng.choice(("Only a constant to undo.", "Take the constant to the other side."))
    return "constant, then divide", rng.choice(
        ("First undo the constant, then the factor.", "Undo the constant, then divide by the factor.")
    )


def _free_variable(equation: LinearEquation) -> list[str]:
    steps = []
    if equation.coefficient < 0 and equation.constant <= 0:
        equation = equation.flipped()
        steps.append(_shown(equation))
    value, constant = equation.value, equation.constant
    size = abs(equation.coefficient)
    if equation.coefficient < 0:
        left = constant - value
        steps.append(f"{equation.unknown} = {_plus(constant, -value)} = {left}")
    elif constant:
        left = value - constant
        steps.append(f"{equation.unknown} = {_plus(value, -constant)} = {left}")
    else:
        left = value
    if size > 1 or not steps:
        steps.append(f"{equation.variable} = {left} / {size} = {left // size}")
    return steps


def _shown(equation: LinearEquation) -> str:
    """An equation with a positive coefficient, as text."""
    left = equation.unknown if not equation.constant else f"{equation.unknown} + {equation.constant}"
    return f"{left} = {equation.value}"


def _plus(number: int, other: int) -> str:
    return f"{number} {'-' if other < 0 else '+'} {abs(other)}"


def _check(equation: LinearEquation, solution: int) -> str:
    """Puts the solution in and works out the left side in the order it is written."""
    product, constant = equation.coefficient * solution, equation.constant
    steps = []
    swapped = equation.coefficient < 0 < constant
    size = abs(equation.coefficient) if swapped else equation.coefficient
    if size != 1 or not constant:
        steps.append(f"{size} * {solution} = {size * solution}")
    if swapped:
        steps.append(f"{_plus(constant, product)} = {equation.value}")
    elif constant:
        steps.append(f"{_plus(product, constant)} = {equation.value}")
    return ", ".join(steps)


def verify_equation(problem: Problem, answer: str) -> Finding:
    """Puts the answer in for the variable, both sides apart."""
    equation, value = LinearEquation.parse(problem.metadata["equation"]), int(answer)
    left = equation.coefficient * value + equation.constant
    route = f"With {equation.variable} = {value} the left side is {equation.coefficient} * {value}"
    route += f" {_plus(0, equation.constant)[2:]}" if equation.constant else ""
    fits = left == equation.value
    return Finding(f"{route} = {left}, and the right side is {equation.value}: "
                   f"{'they agree' if fits else 'they differ'}.", fits)  # fmt: skip


def recap_equation(problem: Problem) -> str:
    """Names the equation."""
    equation = LinearEquation.parse(problem.metadata["equation"])
    return f"{equation.variable} is wanted so that {problem.metadata['equation']} holds."


_OPERATORS = {"operators": ("+", "-", "*"), "operators_weights": (0.5, 0.5, 0.0)}
"""The star gives the variable a coefficient; weight 0 keeps constants from being multiplied into it."""

FAMILIES: tuple[Family, ...] = (
    Family(
        name="simple_equations",
        domain="algebra",
        answer_type="number",
        levels=(
            {"min_terms": 1, "max_terms": 2, "min_value": 2, "max_value": 9, **_OPERATORS},
            {"min_terms": 2, "max_terms": 2, "min_value": 2, "max_value": 9, **_OPERATORS},
            {"min_terms": 2, "max_terms": 2, "min_value": 2, "max_value": 12, **_OPERATORS},
        ),
        solve=solve_equation,
        generator="simple_equations",
        keep=("equation",),
        core=True,
        recap=recap_equation,
        verify=verify_equation,
        easier=({"min_terms": 2, "max_terms": 2, "min_value": 1, "max_value": 4, **_OPERATORS},),
        harder=({"min_terms": 2, "max_terms": 2, "min_value": 30, "max_value": 400, **_OPERATORS},),
    ),
)
