"""The last angle of a polygon (ours)."""

from __future__ import annotations

from random import Random

from workbench.pool.families.arithmetic import by_tens, running_sums
from workbench.pool.family import Family, WorkedSolution
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
    ),
)
