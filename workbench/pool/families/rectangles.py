"""Rectangles: around, inside, the missing side, the diagonal (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.pool.families.arithmetic import partial_products, running_sums
from workbench.pool.family import Family, Finding, WorkedSolution, agreement, verified
from workbench.records import Problem

_THINGS = ("garden", "field", "carpet", "table", "wall", "window", "sheet of paper", "board", "playground", "tile")
_UNITS = ("cm", "m", "feet", "inches")
_TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41), (12, 35, 37))


def draw_rectangle(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws a question about a rectangle.

    Args:
        rng: decides everything.
        settings: ``kinds``, of which one is drawn; ``low`` and ``high``, between which the sides lie.
    """
    kind, thing, unit = rng.choice(settings["kinds"]), rng.choice(_THINGS), rng.choice(_UNITS)
    sides = sorted((rng.randint(settings["low"], settings["high"]) for _ in range(2)), reverse=True)
    long, short = sides
    if kind == "around":
        question, answer = (
            f"A {thing} is {long} {unit} long and {short} {unit} wide. What is its perimeter",
            2 * (long + short),
        )
    elif kind == "inside":
        question, answer = f"A {thing} is {long} {unit} long and {short} {unit} wide. What is its area", long * short
    elif kind == "side":
        question = f"A rectangular {thing} has a perimeter of {2 * (long + short)} {unit} and is {long} {unit} long. "
        question, sides, answer = f"{question}How wide is it", [2 * (long + short), long], short
    elif kind == "width":
        question = (
            f"A rectangular {thing} covers {long * short} square {unit} and is {long} {unit} long. How wide is it"
        )
        sides, answer = [long * short, long], short
    else:
        times = rng.randint(1, max(1, settings["high"] // 12))
        short, long, answer = (times * n for n in rng.choice(_TRIPLES))
        sides = [long, short]
        question = f"A {thing} is {long} {unit} long and {short} {unit} wide. How long is its diagonal"
    return {"question": f"{question}, in {'square ' * (kind == 'inside')}{unit}?", "answer": str(answer),
            "metadata": {"kind": kind, "sides": sides}}  # fmt: skip


def solve_rectangle(problem: Problem, rng: Random) -> WorkedSolution:
    """The method is what the question asks for; equal sides save a step."""
    kind, (one, other) = problem.metadata["kind"], problem.metadata["sides"]
    method, plans, steps, answer = _WAYS[kind](one, other)
    return verified(verify_rectangle, problem, str(answer), method=method, strategy=rng.choice(plans), tactics=steps)


Way = tuple[str, tuple[str, str], list[str], int]


def _around(long: int, short: int) -> Way:
    if long == short:
        plans = ("All four sides are equal: four times one.", "A square: multiply one side by 4.")
        return "four equal sides", plans, [*partial_products(long, 4)], 4 * long
    plans = ("Length and width make half the perimeter: add, then double.", "Add both sides and double the sum.")
    half = long + short
    return "half way, doubled", plans, [f"{long} + {short} = {half}", f"2 * {half} = {2 * half}"], 2 * half


def _inside(long: int, short: int) -> Way:
    plans = ("Area is length times width.", "Rows of squares: multiply length by width.")
    return "length times width", plans, partial_products(long, short), long * short


def _side(around: int, long: int) -> Way:
    plans = ("Half the perimeter is length plus width.", "Halve the perimeter, then take the length away.")
    half = around // 2
    return "undo the perimeter", plans, [f"{around} / 2 = {half}", f"{half} - {long} = {half - long}"], half - long


def _width(area: int, long: int) -> Way:
    plans = ("Area over length is the width.", "Undo the multiplication: divide the area by the length.")
    return "undo the area", plans, [f"{area} / {long} = {area // long}"], area // long


def _diagonal(long: int, short: int) -> Way:
    whole = long * long + short * short
    root = round(whole**0.5)
    plans = ("Two sides and the diagonal make a right triangle: Pythagoras.", "Square both sides, add, take the root.")
    steps = [
        f"{long} * {long} = {long * long}",
        f"{short} * {short} = {short * short}",
        f"{long * long} + {short * short} = {whole}",
        f"The root of {whole} is {root}",
    ]
    return "Pythagoras", plans, steps, root


_WAYS = {"around": _around, "inside": _inside, "side": _side, "width": _width, "diagonal": _diagonal}


def verify_rectangle(problem: Problem, answer: str) -> Finding:
    """Walks round, cuts the area into strips, or puts the found side in."""
    kind, (one, other) = problem.metadata["kind"], problem.metadata["sides"]
    found = int(answer)
    if kind == "around":
        steps = running_sums([one, other, one, other])
        return agreement(f"Side by side: {', '.join(steps)}", 2 * (one + other), answer)
    if kind == "inside":
        strip, rest = other // 2, other - other // 2
        route = f"In two strips: {one} * {strip} = {one * strip}, {one} * {rest} = {one * rest}, "
        return agreement(f"{route}{one * strip} + {one * rest} = {one * other}", one * other, answer)
    if kind == "side":
        around = 2 * (other + found)
        steps = running_sums([other, found, other, found])
        return Finding(f"Side by side: {', '.join(steps)}, {_given(around == one, one)}.", around == one)
    if kind == "width":
        return Finding(
            f"{other} * {found} = {other * found}, {_given(other * found == one, one)}.", other * found == one
        )
    left = found * found - one * one
    route = f"{found} * {found} = {found * found}, {found * found} - {one * one} = {left}"
    return Finding(f"{route}, {_given(left == other * other, other * other)}.", left == other * other)


def _given(fits: bool, number: int) -> str:
    return f"and {number} is given" if fits else f"but {number} is given"


def recap_rectangle(problem: Problem) -> str:
    """Says what is known and what is wanted."""
    kind, (one, other) = problem.metadata["kind"], problem.metadata["sides"]
    known = {"side": "The perimeter is {} and one side is {}", "width": "The area is {} and one side is {}"}
    wanted = {"around": "the perimeter", "inside": "the area", "diagonal": "the diagonal"}.get(kind, "the other side")
    return f"{known.get(kind, 'The sides are {} and {}').format(one, other)}; {wanted} is wanted."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="rectangles",
        domain="geometry",
        answer_type="number",
        levels=(
            {"kinds": ("around",), "low": 1, "high": 9},
            {"kinds": ("around", "inside"), "low": 2, "high": 12},
            {"kinds": ("around", "inside", "side"), "low": 5, "high": 30},
            {"kinds": ("inside", "side", "width", "diagonal"), "low": 11, "high": 99},
            {"kinds": ("inside", "width", "diagonal"), "low": 101, "high": 999},
        ),
        solve=solve_rectangle,
        generator=draw_rectangle,
        keep=("kind", "sides"),
        recap=recap_rectangle,
        verify=verify_rectangle,
    ),
)
