"""Weekdays some days before or after a date (ours)."""

from __future__ import annotations

from datetime import date
from random import Random

from workbench.pool.family import Family, Finding, WorkedSolution, counted
from workbench.records import Problem

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def solve_weekday(problem: Problem, rng: Random) -> WorkedSolution:
    """Takes whole weeks off, which change nothing, and counts the days that are left."""
    start = date.fromisoformat(problem.metadata["start_date"]).weekday()
    offset = problem.metadata["offset_days"]
    days, direction = abs(offset), 1 if offset > 0 else -1
    weeks, rest = divmod(days, 7)
    names = [WEEKDAYS[(start + direction * day) % 7] for day in range(rest + 1)]
    way = f"Count {days} day{'s' if days > 1 else ''} {'forward' if direction > 0 else 'backward'}"
    if weeks:
        method = "take whole weeks off"
        strategy = rng.choice((f"{way}: whole weeks change nothing.", f"{way}, after taking whole weeks off."))
        steps = [f"{days} - {7 * weeks} = {rest}"]
    else:
        method = "count"
        strategy = rng.choice((f"{way}, one by one.", f"{way}, name by name."))
        steps = []
    return WorkedSolution(
        method=method,
        strategy=strategy,
        tactics=(*steps, _counted(names, direction > 0)),
        check=_check(weeks, rest, days, names, direction > 0),
        answer=names[-1],
    )


def _counted(names: list[str], forward: bool) -> str:
    if len(names) == 1:
        return f"{names[0]} stays {names[0]}"
    days = ", ".join(f"{number} {name}" for number, name in enumerate(names[1:], start=1))
    return f"{'On' if forward else 'Back'} from {names[0]}: {days}"


def _check(weeks: int, rest: int, days: int, names: list[str], forward: bool) -> str:
    """The split put together again, and the count undone."""
    whole = f"{weeks} * 7 + {rest} = {days}; " if weeks else ""
    if not rest:
        return f"{whole}nothing is left to count."
    return f"{whole}{rest} day{'s' if rest > 1 else ''} {'before' if forward else 'after'} {names[-1]} is {names[0]}."


def verify_weekday(problem: Problem, answer: str) -> Finding:
    """Goes the rest of the week in the other direction, which must end on the same day."""
    start, offset = date.fromisoformat(problem.metadata["start_date"]).weekday(), problem.metadata["offset_days"]
    other = abs(offset) % 7 - 7
    end = WEEKDAYS[(start + (other if offset > 0 else -other)) % 7]
    way = "back" if offset > 0 else "on"
    fits = end == answer
    return Finding(f"The other way round the week: {counted(-other, 'day')} {way} from {WEEKDAYS[start]} is {end}, "
                   f"{'the same' if fits else f'not {answer}'}.", fits)  # fmt: skip


def mistaken_weekday(problem: Problem, answer: str, rng: Random) -> str:
    """Counts the first day as well, or one too many."""
    return WEEKDAYS[(WEEKDAYS.index(answer) + rng.choice((-1, 1))) % 7]


def recap_weekday(problem: Problem) -> str:
    """Names the first day and the distance."""
    start, offset = date.fromisoformat(problem.metadata["start_date"]), problem.metadata["offset_days"]
    way = "after" if offset > 0 else "before"
    return f"It starts on a {WEEKDAYS[start.weekday()]}; the day {counted(abs(offset), 'day')} {way} it is wanted."


FAMILIES: tuple[Family, ...] = (
    Family(
        name="weekday",
        domain="calendar",
        answer_type="word",
        levels=tuple({"tasks": ("weekday_offset",), "offset_upper_bound": bound} for bound in (6, 14, 35)),
        solve=solve_weekday,
        generator="calendar_arithmetic",
        keep=("start_date", "offset_days"),
        core=True,
        recap=recap_weekday,
        verify=verify_weekday,
        mistake=mistaken_weekday,
        easier=({"tasks": ("weekday_offset",), "offset_upper_bound": 2},),
        harder=({"tasks": ("weekday_offset",), "offset_upper_bound": 5_000},),
    ),
)
