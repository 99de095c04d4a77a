"""Courses that need one another, and islands on a grid (ours)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution, agreement, counted, verified
from workbench.records import Problem

Edges = Sequence[tuple[int, int]]
Cell = tuple[int, int]


def _courses(problem: Problem) -> tuple[int, list[tuple[int, int]]]:
    """The number of courses, and pairs of a course and one that must come before it."""
    count = re.search(r"total of (\d+) courses", problem.question)
    assert count, problem.question
    return int(count[1]), [(int(a), int(b)) for a, b in re.findall(r"\((\d+), (\d+)\)", problem.question)]


def peel(count: int, edges: Edges) -> tuple[list[list[int]], list[int]]:
    """Takes in rounds what needs nothing that is still open (Kahn 1962).

    Returns:
        The rounds, and the courses that are left over.
    """
    left, rounds = set(range(count)), list[list[int]]()
    while free := sorted(course for course in left if not any(a == course and b in left for a, b in edges)):
        rounds.append(free)
        left -= set(free)
    return rounds, sorted(left)


def circle(courses: Iterable[int], edges: Edges) -> list[int]:
    """Walks from need to need among courses that are all stuck, until one comes up again."""
    stuck = set(courses)
    path = [min(stuck)]
    while True:
        following = min(b for a, b in edges if a == path[-1] and b in stuck)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def solve_courses(problem: Problem, rng: Random) -> WorkedSolution:
    """Takes free courses round by round; where none is free, shows a circle."""
    count, edges = _courses(problem)
    rounds, left = peel(count, edges)
    steps = [f"Round {n}: nothing open before {_listed(free)}, take {'it' if len(free) == 1 else 'them'}"
             for n, free in enumerate(rounds, start=1)]  # fmt: skip
    method, plans = _course_plans(bool(rounds), bool(left))
    if left:
        steps += [f"Stuck: {_listed(left)}", f"Circle: {_needs(circle(left, edges))}"]
    else:
        steps.append(f"All {count} courses are taken")
    answer = str(not left)
    return verified(verify_courses, problem, answer, method=method, strategy=rng.choice(plans), tactics=steps)


def _course_plans(any_free: bool, any_stuck: bool) -> tuple[str, tuple[str, str]]:
    if not any_free:
        return "follow a circle", (
            "Every course needs another one: follow the needs until one comes up again.",
            "No course is free at the start, so look for a circle.",
        )
    if any_stuck:
        return "rounds, then a circle", (
            "Take free courses round by round; if it gets stuck, look for a circle.",
            "Peel off what needs nothing open, and see why the rest is stuck.",
        )
    return "round by round", (
        "Take free courses round by round and see whether all go.",
        "Peel off what needs nothing open until nothing is left.",
    )


def _listed(courses: Sequence[int]) -> str:
    return ", ".join(map(str, courses))


def _needs(path: Sequence[int]) -> str:
    return ", ".join(f"{a} needs {b}" for a, b in pairwise(path))


def verify_courses(problem: Problem, answer: str) -> Finding:
    """Goes depth first: either an order in which every pair fits, or pairs that form a circle."""
    count, edges = _courses(problem)
    order, path = _depth_first(count, edges)
    if path:
        text = f"Among the pairs are {', '.join(f'({a}, {b})' for a, b in pairwise(path))}"
        holds = answer == "False"
        return Finding(f"{text}: a circle, {'so it cannot be done' if holds else 'so True is wrong'}.", holds)
    holds = answer == "True"
    text = f"In the order {_listed(order)} each of the {len(edges)} pairs has its second course first"
    return Finding(f"{text}{'' if holds else ', so False is wrong'}.", holds)


def _depth_first(count: int, edges: Edges) -> tuple[list[int], list[int]]:
    """An order with needs first, or the circle that forbids one."""
    order, path, found = list[int](), list[int](), list[int]()

    def visit(course: int) -> None:
        if course in path:
            found.extend([*path[path.index(course) :], course])
        if found or course in order:
            return
        path.append(course)
        for need in sorted(b for a, b in edges if a == course):
            visit(need)
        path.pop()
        order.append(course)

    for course in range(count):
        visit(course)
    return order, found


def mistaken_verdict(problem: Problem, answer: str, rng: Random) -> str:
    """The other verdict."""
    return "False" if answer == "True" else "True"


def recap_courses(problem: Problem) -> str:
    """Counts courses and pairs."""
    count, edges = _courses(problem)
    return f"{count} courses, {len(edges)} pairs (course, what must come first); can all be taken?"


def _grid(problem: Problem) -> list[list[int]]:
    lines = (line.split() for line in problem.question.split("\n"))
    return [[int(cell) for cell in line] for line in lines if line and set(line) <= {"0", "1"}]


def islands(grid: Sequence[Sequence[int]]) -> list[list[Cell]]:
    """Returns the islands in reading order, each cell by cell as it is reached from its first."""
    land = {(r, c) for r, row in enumerate(grid) for c, cell in enumerate(row) if cell}
    found = []
    for start in sorted(land):
        if start not in land:
            continue
        land.remove(start)
        reached = [start]
        for row, column in reached:
            for cell in ((row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)):
                if cell in land:
                    land.remove(cell)
                    reached.append(cell)
        found.append(reached)
    return found


def solve_islands(problem: Problem, rng: Random) -> WorkedSolution:
    """Walks each island from its first cell; a single one is just counted."""
    grid = _grid(problem)
    found = islands(grid)
    sizes = [len(cells) for cells in found]
    if not found:
        method, plans = "no land", ("Look for a 1 first: without one the area is 0.", "No 1, no island.")
        steps = [f"Row {n}: no 1" for n in range(1, len(grid) + 1)]
    elif len(found) == 1:
        method, plans = (
            "count the ones",
            ("All 1s hang together, so count them row by row.", "One island: count its 1s."),
        )
        counts = [sum(row) for row in grid]
        steps = [f"Row {n}: {count}" for n, count in enumerate(counts, start=1)]
        steps.append(f"{' + '.join(map(str, counts))} = {sum(counts)}")
    else:
        method, plans = (
            "island by island",
            (
                "Start at each new 1 and collect its neighbours; compare the sizes.",
                "Walk every island from its first cell (row, column), then take the largest.",
            ),
        )
        steps = [f"Island {n}: {_cells(cells)}: {len(cells)}" for n, cells in enumerate(found, start=1)]
        steps.append(f"Sizes {', '.join(map(str, sizes))}: the largest is {max(sizes)}")
    answer = str(max(sizes, default=0))
    return verified(verify_islands, problem, answer, method=method, strategy=rng.choice(plans), tactics=steps)


def _cells(cells: Sequence[Cell]) -> str:
    return " ".join(f"({row + 1},{column + 1})" for row, column in cells)


def verify_islands(problem: Problem, answer: str) -> Finding:
    """Cuts rows into runs of 1s and joins runs that touch the row above."""
    groups: list[list[tuple[int, int, int]]] = []
    for number, row in enumerate(_grid(problem)):
        for start, end in _runs(row):
            touching = [g for g in groups if any(r == number - 1 and s < end and start < e for r, s, e in g)]
            groups = [group for group in groups if group not in touching]
            groups.append([run for group in touching for run in group] + [(number, start, end)])
    sizes = sorted((sum(end - start for _, start, end in group) for group in groups), reverse=True)
    listed = ", ".join(map(str, sizes)) or "none"
    found = f"the area{'s' * (len(sizes) != 1)} {listed}"
    return agreement(f"Runs of 1s joined row by row give {found}", sizes[0] if sizes else 0, answer)


def _runs(row: Sequence[int]) -> list[tuple[int, int]]:
    """Begin and end (not included) of each run of ones."""
    return [found.span() for found in re.finditer("1+", "".join(map(str, row)))]


def recap_islands(problem: Problem) -> str:
    """Sizes of the grid and its land."""
    grid = _grid(problem)
    ones = counted(sum(map(sum, grid)), "one")
    return f"The grid has {len(grid)} rows of {len(grid[0])} with {ones}; the largest island counts."


def _size(low: int, high: int, islands: int, area: int) -> dict[str, int]:
    return {
        "min_rows": low, "max_rows": high, "min_cols": low, "max_cols": high,
        "min_num_islands": 1, "max_num_islands": islands, "min_island_size": 1, "max_island_size": area,
    }  # fmt: skip


def _schedule(low: int, high: int, needs: int) -> dict[str, int]:
    return {"min_num_courses": low, "max_num_courses": high, "max_num_prerequisites": needs,
            "max_cycle_length": max(3, min(high, 5))}  # fmt: skip


FAMILIES: tuple[Family, ...] = (
    Family(
        name="course_schedule",
        domain="graphs",
        answer_type="word",
        levels=(_schedule(3, 4, 1), _schedule(4, 5, 1), _schedule(5, 6, 2), _schedule(7, 9, 2), _schedule(10, 14, 3)),
        solve=solve_courses,
        generator="course_schedule",
        recap=recap_courses,
        verify=verify_courses,
        mistake=mistaken_verdict,
    ),
    Family(
        name="largest_island",
        domain="graphs",
        answer_type="number",
        levels=(_size(3, 3, 1, 4), _size(3, 4, 2, 4), _size(4, 5, 3, 5), _size(5, 7, 4, 7), _size(8, 10, 6, 10)),
        solve=solve_islands,
        generator="largest_island",
        recap=recap_islands,
        verify=verify_islands,
        unseen=True,
    ),
)
