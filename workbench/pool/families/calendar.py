"""Weekdays some days before or after a date (ours)."""

from __future__ import annotations

from datetime import date
from random import Random

from workbench.pool.family import Family, WorkedSolution
from workbench.records import Problem

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DIRECT = 3
"""So many days are counted one by one."""


def solve_weekday(problem: Problem, rng: Random) -> WorkedSolution:
    """Jumps the nearest number of whole weeks, then counts at most three days, on or back."""
    start = date.fromisoformat(problem.metadata["start_date"]).weekday()
    offset = problem.metadata["offset_days"]
    days, direction = abs(offset), 1 if offset > 0 else -1
    weeks = (days + _DIRECT) // 7
    rest = days - 7 * weeks
    steps = _jump(days, weeks)
    names = [WEEKDAYS[(start + direction * (1 if rest > 0 else -1) * day) % 7] for day in range(abs(rest) + 1)]
    steps.append(_counted(names, forward=direction * rest > 0))
    method, strategy = _choose(days, weeks, rng)
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=tuple(steps),
        check=_check(days, weeks, names, direction * rest > 0),
        answer=names[-1],
    )


def _choose(days: int, weeks: int, rng: Random) -> tuple[str, str]:
    whole = 7 * weeks
    if not weeks:
        return "count", rng.choice(("So few days can be counted one by one.", f"Count the {days} days one by one."))
    if days == whole:
        return "whole weeks", rng.choice(
            (f"{days} days are whole weeks: the weekday stays.", f"Whole weeks, {days} days, keep the weekday.")
        )
    if days > whole:
        return "weeks and some days", rng.choice(
            (f"Leave out {whole} days, whole weeks, and count the rest.", f"Weeks change nothing: skip {whole} days.")
        )
    return "weeks less some days", rng.choice(
        (
            f"{days} is a little less than {whole}, whole weeks: jump there, turn back.",
            f"Jump {whole} days, whole weeks, then turn back.",
        )
    )


def _jump(days: int, weeks: int) -> list[str]:
    whole = 7 * weeks
    if not weeks:
        return []
    difference = f"{days} - {whole} = {days - whole}" if days >= whole else f"{whole} - {days} = {whole - days}"
    return [f"{weeks} * 7 = {whole}", difference]


def _counted(names: list[str], forward: bool) -> str:
    if len(names) == 1:
        return f"{names[0]} stays {names[0]}"
    days = ", ".join(f"{number} {name}" for number, name in enumerate(names[1:], start=1))
    return f"{'On' if forward else 'Back'} from {names[0]}: {days}"


def _check(days: int, weeks: int, names: list[str], forward: bool) -> str:
    """The split put together again, and the count undone."""
    rest = len(names) - 1
    whole = 7 * weeks
    if not rest:
        return f"{days} / 7 = {weeks} with nothing left over."
    count = f"{rest} day{'s' if rest > 1 else ''} {'before' if forward else 'after'} {names[-1]} is {names[0]}"
    if not weeks:
        return f"{count}."
    together = f"{whole} + {rest} = {days}" if days > whole else f"{whole} - {rest} = {days}"
    return f"{together}; {count}."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="weekday",
        domain="calendar",
        answer_type="word",
        levels=tuple({"tasks": ("weekday_offset",), "offset_upper_bound": bound} for bound in (14, 30, 60)),
        solve=solve_weekday,
        generator="calendar_arithmetic",
        keep=("start_date", "offset_days"),
    ),
)
