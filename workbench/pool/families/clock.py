"""How long something took, from one time of day to another (ours)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.pool.family import Family, Finding, WorkedSolution, counted, verified
from workbench.records import Problem

_TIME = re.compile(r"\b(\d\d):(\d\d)(?::(\d\d))?\b")
_UNITS = ("hours", "minutes", "seconds")


def _times(question: str) -> tuple[list[int], list[int]]:
    """Start and end as hours, minutes and, where they are given, seconds."""
    start, end = ([int(part) for part in found if part] for found in _TIME.findall(question)[:2])
    return start, end


def _seconds(parts: list[int]) -> int:
    hours, minutes, *rest = parts
    return 3600 * hours + 60 * minutes + (rest[0] if rest else 0)


def _shown(parts: list[int]) -> str:
    return ":".join(f"{part:02d}" for part in parts)


def solve_interval(problem: Problem, rng: Random) -> WorkedSolution:
    """Goes to the next full hour where minutes would have to be borrowed; subtracts part by part otherwise."""
    start, end = _times(problem.question)
    if all(a <= b for a, b in zip(start, end, strict=True)):
        method, answer = "part by part", [b - a for a, b in zip(start, end, strict=True)]
        plans = ("No part is smaller than before, so subtract part by part.", "Nothing to borrow: subtract each part.")
        steps = [f"{unit}: {b} - {a} = {b - a}" for unit, a, b in zip(_UNITS, start, end, strict=False)]
    elif len(start) == 2:
        method, answer, steps = _by_full_hour(start, end)
        plans = (
            f"{end[1]} minutes are less than {start[1]}: go to the full hour, then on.",
            "Go to the next full hour first, since the minutes would have to be borrowed.",
        )
    else:
        method, answer, steps = _borrowed(start, end)
        plans = (
            "Subtract from the right and borrow 60 where it is too little.",
            "From seconds to hours, with borrowing.",
        )
    return verified(
        verify_interval,
        problem,
        _shown(answer),
        method=method,
        strategy=rng.choice(plans),
        tactics=(*steps, f"Written: {_shown(answer)}"),
    )


def _by_full_hour(start: list[int], end: list[int]) -> tuple[str, list[int], list[str]]:
    first, whole = 60 - start[1], end[0] - start[0] - 1
    minutes = first + end[1]
    return (
        "to the full hour",
        [whole, minutes],
        [
            f"{_shown(start)} to {start[0] + 1:02d}:00: 60 - {start[1]} = {first} minutes",
            f"{start[0] + 1:02d}:00 to {end[0]:02d}:00: {end[0]} - {start[0] + 1} = {counted(whole, 'hour')}",
            f"{end[0]:02d}:00 to {_shown(end)}: {end[1]} minutes",
            f"{first} + {end[1]} = {minutes} minutes",
        ],
    )


def _borrowed(start: list[int], end: list[int]) -> tuple[str, list[int], list[str]]:
    left, steps, answer = list(end), list[str](), [0] * len(end)
    for place in reversed(range(len(end))):
        given = left[place]
        if given < start[place]:
            left[place - 1] -= 1
            steps.append(f"{_UNITS[place]}: {given} + 60 = {given + 60}, {given + 60} - {start[place]} = "
                         f"{given + 60 - start[place]}")  # fmt: skip
            answer[place] = given + 60 - start[place]
        else:
            steps.append(f"{_UNITS[place]}: {given} - {start[place]} = {given - start[place]}")
            answer[place] = given - start[place]
    return "borrow 60", answer, steps


def verify_interval(problem: Problem, answer: str) -> Finding:
    """Adds the duration to the start, in the smallest unit."""
    start, end = _times(problem.question)
    name, size = ("seconds", 1) if len(start) == 3 else ("minutes", 60)
    begun, ended, length = (
        _seconds(parts) // size for parts in (start, end, [int(part) for part in answer.split(":")])
    )
    route = f"In {name}: {begun} + {length} = {begun + length}, and {_shown(end)} is {ended}"
    return Finding(f"{route}, {'which agrees' if begun + length == ended else 'which does not fit'}.",
                   begun + length == ended)  # fmt: skip


def recap_interval(problem: Problem) -> str:
    """Names start and end."""
    start, end = _times(problem.question)
    return f"It begins at {_shown(start)} and ends at {_shown(end)}; how long is that?"


def mistaken_interval(problem: Problem, answer: str, rng: Random) -> str:
    """Forgets an hour, or ten minutes."""
    hours, minutes, *rest = (int(part) for part in answer.split(":"))
    hours, minutes = rng.choice(((hours + 1, minutes), (hours, (minutes + 10) % 60)))
    return _shown([hours, minutes, *rest])


def _ends_on_its_day(item: Mapping[str, Any]) -> bool:
    """A time that ends at midnight counts as the day's first minute, which makes the reference negative."""
    return not str(item["answer"]).startswith("-")


FAMILIES: tuple[Family, ...] = (
    Family(
        name="time_intervals",
        domain="calendar",
        answer_type="word",
        levels=(
            *({"task_types": ("time",), "max_time_difference_seconds": most} for most in (2_400, 10_800, 86_400)),
            *({"task_types": ("time_seconds",), "max_time_difference_seconds": most} for most in (10_800, 86_400)),
        ),
        solve=solve_interval,
        generator="time_intervals",
        recap=recap_interval,
        verify=verify_interval,
        mistake=mistaken_interval,
        usable=_ends_on_its_day,
    ),
)
