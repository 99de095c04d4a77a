"""The last angle of a polygon (ours)."""

from __future__ import annotations

from random import Random

from workbench.pool.families.arithmetic import by_tens, running_sums
from workbench.pool.family import Family, Finding, WorkedSolution
from workbench.records import Problem


def solve_last_angle(problem: Problem, rng: Random) -> WorkedSolution:
    """Takes the known angles from the sum of all, which needs a step of its own beyond triangles."""
    angles = [int(angle) for angle in problem.metadata["known_angles"]]
    sides = len(angles) + 1
    whole, known = 180 * (sides - 2), sum(angles)
    if sides == 3:
        method, steps = "triangle", []
        strategy = rng.choice(
            ("A triangle's angles make 180: take the known ones away.", "Triangle: take the two angles from 180.")
        )
    else:
        method, steps = "polygon", [f"{sides - 2} * 180 = {whole}"]
        strategy = rng.choice(
            (
                f"{sides} sides make {sides - 2} triangles of 180; take the known angles away.",
                f"{sides} sides are {sides - 2} triangles of 180; see what is missing.",
            )
        )
    steps += [*running_sums(angles), *by_tens(whole, [("-", known)])]
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(steps),
        check=f"{known} + {whole - known} = {whole}, {rng.choice(('all angles together', 'the whole sum'))}.",
        answer=str(whole - known),
    )


def verify_angle(problem: Problem, answer: str) -> Finding:
    """Goes round the corners: the outer angles of a convex polygon make one full turn."""
    inner = [*(int(angle) for angle in problem.metadata["known_angles"]), int(answer)]
    outer = [180 - angle for angle in inner]
    fits = sum(outer) == 360
    return Finding(f"Outer angles: {', '.join(running_sums(outer))}, "
                   f"{'one full turn' if fits else 'but a full turn is 360'}.", fits)  # fmt: skip


def recap_angle(problem: Problem) -> str:
    """Counts the corners."""
    known = [int(angle) for angle in problem.metadata["known_angles"]]
    return f"A shape of {len(known) + 1} corners with angles {', '.join(map(str, known))}; the last one is wanted."


FAMILIES: tuple[Family, ...] = (
    # The bounds leave between 1 and 179 degrees for the last angle, so that the polygons are convex indeed.
    Family(
        name="simple_geometry",
        domain="geometry",
        answer_type="number",
        levels=(
            {"min_sides": 3, "max_sides": 3, "min_angle": 10, "max_angle": 85},
            {"min_sides": 3, "max_sides": 3, "min_angle": 10, "max_angle": 150},
            {"min_sides": 4, "max_sides": 4, "min_angle": 61, "max_angle": 119},
        ),
        solve=solve_last_angle,
        generator="simple_geometry",
        keep=("known_angles",),
        core=True,
        recap=recap_angle,
        verify=verify_angle,
        harder=({"min_sides": 8, "max_sides": 8, "min_angle": 129, "max_angle": 153},),
    ),
)
