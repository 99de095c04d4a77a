"""Worked solutions whose every step was written out by hand."""

from __future__ import annotations

from random import Random

import pytest

from workbench.pool.families import FAMILIES
from workbench.pool.family import WorkedSolution
from workbench.records import Problem


def solved(name: str, **metadata: object) -> WorkedSolution:
    family = next(family for family in FAMILIES if family.name == name)
    return family.solve(Problem(id="p", question="?", source=name, metadata=dict(metadata)), Random(0))


@pytest.mark.parametrize(
    ("start", "offset", "method", "answer"),
    [
        ("2024-02-28", 1, "count", "Thursday"),
        ("2024-02-28", 6, "count", "Tuesday"),
        ("2022-12-18", -6, "count", "Monday"),
        ("2024-02-28", 7, "take whole weeks off", "Wednesday"),
        ("2022-12-25", 26, "take whole weeks off", "Friday"),
        ("2022-04-18", -25, "take whole weeks off", "Thursday"),
    ],
)
def test_weeks_are_taken_off_where_there_are_any(start: str, offset: int, method: str, answer: str) -> None:
    solution = solved("weekday", start_date=start, offset_days=offset)
    assert (solution.method, solution.answer) == (method, answer)


@pytest.mark.parametrize(
    ("animals", "method", "tactics", "check", "answer"),
    [
        (
            {"snake": 3, "leech": 2},
            "one sum",
            ("snake: 3 * 0 = 0", "leech: 2 * 0 = 0", "0 + 0 = 0"),
            "Backwards: 0 - 0 = 0.",
            "0",
        ),
        (
            {"woodlouse": 7, "snake": 1},
            "one sum",
            ("woodlouse: 7 * 14 = 98", "snake: 1 * 0 = 0", "98 + 0 = 98"),
            "Backwards: 98 - 0 = 98.",
            "98",
        ),
        (
            {"ant": 9, "bee": 4},
            "one sum",
            ("ant: 9 * 6 = 54", "bee: 4 * 6 = 24", "54 + 24 = 78"),
            "Backwards: 78 - 24 = 54.",
            "78",
        ),
        (
            {"ant": 3, "duck": 5, "bee": 4},
            "running total",
            ("ant: 3 * 6 = 18", "duck: 5 * 2 = 10", "bee: 4 * 6 = 24", "18 + 10 = 28", "28 + 24 = 52"),
            "Backwards: 52 - 24 = 28, 28 - 10 = 18.",
            "52",
        ),
        (
            {"spider": 1, "human": 2, "cow": 3, "ant": 1},
            "running total",
            (
                *("spider: 1 * 8 = 8", "human: 2 * 2 = 4", "cow: 3 * 4 = 12", "ant: 1 * 6 = 6"),
                *("8 + 4 = 12", "12 + 12 = 24", "24 + 6 = 30"),
            ),
            "Backwards: 30 - 6 = 24, 24 - 12 = 12, 12 - 4 = 8.",
            "30",
        ),
    ],
)
def test_legs_are_multiplied_animal_by_animal_and_added_up(
    animals: dict[str, int], method: str, tactics: tuple[str, ...], check: str, answer: str
) -> None:
    solution = solved("leg_counting", animals=animals)
    assert (solution.method, solution.tactics, solution.check, solution.answer) == (method, tactics, check, answer)


@pytest.mark.parametrize(
    ("numbers", "limit", "operation", "method", "tactics", "check", "answer"),
    [
        (
            ["8", "13", "40"],
            "13",
            "keep_smaller",
            "compare one by one",
            ("8 < 13: keep", "13 = 13: drop", "40 > 13: drop"),
            "1 kept + 2 dropped = 3; 8 is smaller.",
            "['8']",
        ),
        (
            ["8", "13", "40"],
            "13",
            "remove_smaller",
            "compare one by one",
            ("8 < 13: drop", "13 = 13: keep", "40 > 13: keep"),
            "2 kept + 1 dropped = 3; 13 is equal.",
            "['13', '40']",
        ),
        (
            ["-37", "-4.5", "2"],
            "-12.0",
            "keep_larger",
            "compare below zero",
            ("-37 < -12.0: drop", "-4.5 > -12.0: keep", "2 > -12.0: keep"),
            "2 kept + 1 dropped = 3; -4.5 is larger.",
            "['-4.5', '2']",
        ),
        (
            ["-8", "0", "5"],
            "-0",  # as the generator rounds; not below zero
            "keep_larger",
            "compare one by one",
            ("-8 < -0: drop", "0 = -0: drop", "5 > -0: keep"),
            "1 kept + 2 dropped = 3; 5 is larger.",
            "['5']",
        ),
        (
            ["9", "10"],
            "7",
            "remove_larger",
            "compare one by one",
            ("9 > 7: drop", "10 > 7: drop"),
            "0 kept + 2 dropped = 2; nothing is kept.",
            "[]",
        ),
    ],
)
def test_filtering_compares_number_by_number(
    numbers: list[str],
    limit: str,
    operation: str,
    method: str,
    tactics: tuple[str, ...],
    check: str,
    answer: str,
) -> None:
    solution = solved("number_filtering", original_numbers=numbers, filter_value=limit, operation=operation)
    assert (solution.method, solution.tactics, solution.check, solution.answer) == (method, tactics, check, answer)


@pytest.mark.parametrize(
    ("span", "letter", "method", "tactics", "check", "answer"),
    [
        (
            ["these", "Trees"],
            "e",
            "spell every word",
            ("these: t h e s e: 2", "trees: t r e e s: 2", "2 + 2 = 4"),
            "e stands in 2 of 2 words.",
            "4",
        ),
        (
            ["abcdefghijk", "lmnopqrstuv"],  # 22 letters: short still
            "k",
            "spell every word",
            ("abcdefghijk: a b c d e f g h i j k: 1", "lmnopqrstuv: l m n o p q r s t u v: 0", "1 + 0 = 1"),
            "k stands in 1 of 2 words.",
            "1",
        ),
        (
            ["Mississippi", "understanding", "is"],
            "s",
            "spell the words that have it",
            (
                "mississippi: m i s s i s s i p p i: 4",
                "understanding: u n d e r s t a n d i n g: 1",
                "is: i s: 1",
                "4 + 1 + 1 = 6",
            ),
            "s stands in 3 of 3 words.",
            "6",
        ),
        (
            ["Mississippi", "understanding", "is"],
            "p",
            "spell the words that have it",
            ("mississippi: m i s s i s s i p p i: 2", "understanding: 0", "is: 0", "2 + 0 + 0 = 2"),
            "p stands in 1 of 3 words.",
            "2",
        ),
    ],
)
def test_only_long_spans_skip_the_words_without_the_letter(
    span: list[str], letter: str, method: str, tactics: tuple[str, ...], check: str, answer: str
) -> None:
    solution = solved("letter_counting", span=span, target_letter=letter)
    assert (solution.method, solution.tactics, solution.check, solution.answer) == (method, tactics, check, answer)


@pytest.mark.parametrize(
    ("expression", "method", "tactics", "answer"),
    [
        ("5 + 9", "running total", ("5 + 9 = 14",), "14"),
        ("40 - 0", "running total", ("40 - 0 = 40",), "40"),
        ("98 + 12 - 6", "running total", ("98 + 10 = 108", "108 + 2 = 110", "110 - 6 = 104"), "104"),
        ("93 - 26 + 30", "running total", ("93 - 20 = 73", "73 - 6 = 67", "67 + 30 = 97"), "97"),
        ("17 + 25 + 3", "round pair first", ("17 + 3 = 20", "20 + 25 = 45"), "45"),
        ("75 - 98", "turn round", ("98 - 75 = 23", "75 - 98 = -23"), "-23"),
        (
            "60 - 44 - 99",
            "plus and minus apart",
            ("Minus: 44 + 99 = 143", "143 - 60 = 83", "60 - 143 = -83"),
            "-83",
        ),
    ],
)
def test_a_running_total_moves_by_tens_and_then_by_ones(
    expression: str, method: str, tactics: tuple[str, ...], answer: str
) -> None:
    solution = solved("chain_sum", expression=expression)
    assert (solution.method, solution.tactics, solution.answer) == (method, tactics, answer)


@pytest.mark.parametrize(
    ("angles", "method", "tactics", "answer"),
    [
        ([49.0, 67.0], "triangle", ("49 + 67 = 116", "180 - 110 = 70", "70 - 6 = 64"), "64"),
        ([50.0, 60.0], "triangle", ("50 + 60 = 110", "180 - 110 = 70"), "70"),
        (
            [101.0, 90.0, 107.0],
            "polygon",
            ("2 * 180 = 360", "101 + 90 = 191", "191 + 107 = 298", "360 - 290 = 70", "70 - 8 = 62"),
            "62",
        ),
    ],
)
def test_known_angles_are_added_up_and_taken_away_by_tens_and_ones(
    angles: list[float], method: str, tactics: tuple[str, ...], answer: str
) -> None:
    solution = solved("simple_geometry", known_angles=angles)
    assert (solution.method, solution.tactics, solution.answer) == (method, tactics, answer)
