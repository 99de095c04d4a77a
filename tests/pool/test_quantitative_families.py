"""The quantitative families: their teachers are right, sound, short and deterministic."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from itertools import accumulate
from math import gcd
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.pool.families import algebra, arithmetic, calendar, geometry, number_theory
from workbench.pool.family import Family, Split, WorkedSolution
from workbench.records import Problem, Trace, follows_format, from_json, rendered_text, to_json

FAMILIES: dict[str, Family] = {
    family.name: family
    for module in (arithmetic, number_theory, algebra, geometry, calendar)
    for family in module.FAMILIES
}
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
SEEDS = (0, 7)

EXPRESSION = r"-?\d+(?: [-+*/] -?\d+)*"
EQUATION = re.compile(rf"(?<![\w*.-])(?<![a-z] [+-] )({EXPRESSION}) = (?=({EXPRESSION})(?![\w*]))")

NOTHING_TO_RECKON = {"weekday": "count"}
"""The method that needs no equation; its days are checked one by one further below."""
LEGS = {"snake": 0, "leech": 0, "duck": 2, "human": 2, "cow": 4, "bee": 6, "ant": 6, "spider": 8, "woodlouse": 14}

each_family = pytest.mark.parametrize("name", FAMILIES)


@cache
def samples(name: str) -> tuple[tuple[Problem, WorkedSolution], ...]:
    """300 problems over splits and seeds, each with its worked solution."""
    family = FAMILIES[name]
    drawn = [family.problem(seed, split, index) for split in SPLITS for seed in SEEDS for index in range(50)]
    return tuple((problem, family.solve(problem, Random(place))) for place, problem in enumerate(drawn))


def rendered(problem: Problem, solution: WorkedSolution) -> str:
    return rendered_text(
        Trace(id="t", problem=problem, teacher="worked", steps=solution.steps(), answer=solution.answer)
    )


def value(expression: str) -> Fraction:
    """The value of integers joined by ``+ - * /``, products first."""
    first, *rest = expression.split()
    terms = [Fraction(int(first))]
    for operator, number in zip(rest[::2], rest[1::2], strict=True):
        operand = Fraction(int(number))
        if operator in "*/":
            terms[-1] = terms[-1] * operand if operator == "*" else terms[-1] / operand
        else:
            terms.append(operand if operator == "+" else -operand)
    return sum(terms, Fraction(0))


def equations(text: str) -> Iterator[tuple[str, str]]:
    return ((match[1], match[2]) for match in EQUATION.finditer(text))


def test_the_checker_of_equations_sees_what_is_false() -> None:
    found = list(equations("12*q = 12 + 132 = 145, -6 * 10 = -60, 48 = 2 * 18 + 12; 3 - 2 * 2 = -1"))
    assert found == [("12 + 132", "145"), ("-6 * 10", "-60"), ("48", "2 * 18 + 12"), ("3 - 2 * 2", "-1")]
    assert [value(left) == value(right) for left, right in found] == [False, True, True, True]


@each_family
def test_answers_equal_the_reference_and_score_one(name: str) -> None:
    for problem, solution in samples(name):
        assert solution.answer == problem.answer, problem.question
        assert FAMILIES[name].score(problem, solution.answer) == 1.0, problem.question


@each_family
def test_solutions_do_not_depend_on_the_reference_and_survive_json(name: str) -> None:
    for place, (problem, solution) in enumerate(samples(name)):
        read_back = replace(from_json(Problem, to_json(problem)), answer=None)
        assert FAMILIES[name].solve(read_back, Random(place)) == solution


@each_family
def test_every_equation_in_steps_and_checks_is_true(name: str) -> None:
    counted: Counter[str] = Counter()
    reckoned = [pair for pair in samples(name) if pair[1].method != NOTHING_TO_RECKON.get(name)]
    assert len(reckoned) >= 100
    for problem, solution in reckoned:
        for role, text in (("tactic", "\n".join(solution.tactics)), ("check", solution.check)):
            for left, right in equations(text):
                assert value(left) == value(right), (problem.question, text)
                counted[role] += 1
    assert counted["tactic"] >= 5 / 6 * len(reckoned)
    assert counted["check"] >= 2 / 3 * len(reckoned)


def test_days_that_are_only_counted_need_no_equation() -> None:
    counted = [solution for _, solution in samples("weekday") if solution.method == "count"]
    assert len(counted) >= 100
    assert not any("=" in text for solution in counted for text in (*solution.tactics, solution.check))


@each_family
def test_every_number_sentence_is_read_by_the_checker(name: str) -> None:
    """No ``=`` escapes the test above, but those that name a variable."""
    for _, solution in samples(name):
        for text in (*solution.tactics, solution.check):
            read = len(list(equations(text)))
            with_variable = len(re.findall(r"[a-z] =", text)) + len(re.findall(r"[a-z] [+-] \d+ =", text))
            assert read + with_variable == text.count(" = "), text


@each_family
def test_texts_are_plain_short_and_in_the_house_format(name: str) -> None:
    lengths = []
    for problem, solution in samples(name):
        assert solution.tactics
        for text in (solution.method, solution.strategy, *solution.tactics, solution.check):
            assert text, solution
            assert text == text.strip(), solution
            assert text.isprintable(), solution
        text = rendered(problem, solution)
        assert follows_format(text)
        lengths.append(len(text))
    assert max(lengths) <= 330
    assert median(lengths) <= 200


@each_family
def test_several_methods_occur_and_none_crowds_out_the_rest(name: str) -> None:
    methods = Counter(solution.method for _, solution in samples(name))
    assert len(methods) >= 2
    assert max(methods.values()) <= 0.9 * methods.total()


@each_family
def test_the_same_arguments_give_the_same_problem_and_solution(name: str) -> None:
    family = FAMILIES[name]
    for index in range(12):
        first, second = (family.problem(3, "dev", index) for _ in range(2))
        assert first == second
        assert family.solve(first, Random(index)) == family.solve(second, Random(index))


@each_family
def test_the_method_is_chosen_by_the_problem_not_by_chance(name: str) -> None:
    for problem, solution in samples(name)[::5]:
        for seed in range(4):
            other = FAMILIES[name].solve(problem, Random(seed))
            assert (other.method, other.tactics) == (solution.method, solution.tactics)


@each_family
def test_splits_and_seeds_share_few_questions(name: str) -> None:
    drawn: dict[tuple[str, str], set[str]] = {}
    for problem, _ in samples(name):
        split, seed = problem.id.split("-")[-3:-1]
        drawn.setdefault((split, seed), set()).add(problem.question)
    groups = list(drawn.values())
    assert len(groups) == len(SPLITS) * len(SEEDS)
    for place, group in enumerate(groups):
        assert len(group) >= 40
        assert all(len(group & other) <= 10 for other in groups[:place])


@each_family
def test_levels_are_three_and_evenly_filled(name: str) -> None:
    assert Counter(FAMILIES[name].problem(1, "train", index).metadata["level"] for index in range(30)) == {
        0: 10,
        1: 10,
        2: 10,
    }


def test_three_families_are_held_out() -> None:
    held_out = {name for name, family in FAMILIES.items() if family.unseen}
    assert held_out == {"products", "fraction_simplification", "gcd"}


def drawn_problem(name: str, **metadata: object) -> Problem:
    return Problem(id="p", question="?", source=name, metadata=dict(metadata))


def solved(name: str, **metadata: object) -> WorkedSolution:
    return FAMILIES[name].solve(drawn_problem(name, **metadata), Random(0))


@given(st.lists(st.integers(0, 99), min_size=2, max_size=5), st.lists(st.sampled_from("+-"), min_size=4, max_size=4))
def test_any_chain_is_summed(numbers: list[int], signs: list[str]) -> None:
    pairs = list(zip(signs, numbers[1:], strict=False))
    solution = solved("chain_sum", expression=" ".join([str(numbers[0]), *(f"{sign} {n}" for sign, n in pairs)]))
    assert int(solution.answer) == numbers[0] + sum(n if sign == "+" else -n for sign, n in pairs)
    assert_true_equations(solution)


@given(st.integers(0, 99), st.integers(0, 99))
def test_any_two_factors_are_multiplied(left: int, right: int) -> None:
    solution = solved("products", expression=f"{left} * {right}")
    assert int(solution.answer) == left * right
    assert_true_equations(solution)
    if left * right:
        assert value(solution.tactics[-1].split(" = ")[1]) == left * right


@given(st.integers(1, 400), st.integers(1, 400))
def test_any_common_divisor_is_found(left: int, right: int) -> None:
    solution = solved("gcd", numbers=[left, right])
    assert int(solution.answer) == gcd(left, right)
    assert_true_equations(solution)


def test_a_fraction_in_lowest_terms_stays() -> None:
    assert solved("fraction_simplification", numerator=5, denominator=7).answer == "5/7"


@given(st.integers(1, 300), st.integers(1, 300))
def test_any_proper_fraction_comes_to_lowest_terms(numerator: int, extra: int) -> None:
    denominator = numerator + extra
    solution = solved("fraction_simplification", numerator=numerator, denominator=denominator)
    top, bottom = map(int, solution.answer.split("/"))
    assert Fraction(numerator, denominator) == Fraction(top, bottom)
    assert gcd(top, bottom) == 1
    assert_true_equations(solution)


@pytest.mark.parametrize(
    ("equation", "method", "answer"),
    [
        ("7*u + 3 = 45", "constant, then divide", "6"),
        ("2*x - 7 = -5", "constant, then divide", "1"),
        ("u + 11 = 22", "undo the constant", "11"),
        ("y - 5 = -4", "undo the constant", "1"),
        ("7*m = 35", "divide", "5"),
        ("x = 4", "divide", "4"),
        ("3 - 6*e = -39", "swap", "7"),
        ("13 - y = 4", "swap", "9"),
        ("-9*s - 3 = -93", "turn the signs", "10"),
        ("-s - 3 = -8", "turn the signs", "5"),
        ("-4*s = -8", "turn the signs", "2"),
        ("-s = -8", "turn the signs", "8"),
    ],
)
def test_every_form_of_equation_is_solved(equation: str, method: str, answer: str) -> None:
    solution = solved("simple_equations", equation=equation)
    assert (solution.method, solution.answer) == (method, answer)
    assert solution.tactics[-1].endswith(f"= {answer}")
    assert solution.check[0] in "-0123456789"
    assert_true_equations(solution)


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(-120, 120))
def test_any_weekday_is_found_by_counting_less_than_a_week(start: date, offset: int) -> None:
    solution = solved("weekday", start_date=start.isoformat(), offset_days=offset)
    assert solution.answer == weekday(start, offset)
    weeks, rest = divmod(abs(offset), 7)
    sign = 1 if offset > 0 else -1
    *steps, counted = solution.tactics
    days = f"{abs(offset)} {'day' if abs(offset) == 1 else 'days'}"
    if offset:
        assert solution.strategy.startswith(f"Count {days} {'forward' if offset > 0 else 'backward'}")
    assert steps == ([f"{abs(offset)} - {7 * weeks} = {rest}"] if weeks else [])
    assert solution.method == ("take whole weeks off" if weeks else "count")
    if rest:
        names = ", ".join(f"{day} {weekday(start, sign * day)}" for day in range(1, rest + 1))
        assert counted == f"{'On' if offset > 0 else 'Back'} from {weekday(start, 0)}: {names}"
    else:
        assert counted == f"{weekday(start, 0)} stays {weekday(start, 0)}"
    assert_true_equations(solution)


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(-120, 120))
def test_the_check_of_a_weekday_undoes_the_count_and_the_split(start: date, offset: int) -> None:
    solution = solved("weekday", start_date=start.isoformat(), offset_days=offset)
    split = re.match(r"(\d+) \* 7 \+ (\d) = (\d+); ", solution.check)
    assert (split is None) == (abs(offset) < 7)
    if split is not None:
        weeks, rest, days = map(int, split.groups())
        assert (7 * weeks + rest, rest, days) == (days, abs(offset) % 7, abs(offset))
    undone = re.search(r"(\d) days? (before|after) (\w+) is (\w+)\.$", solution.check)
    if undone is None:
        assert offset % 7 == 0
        assert solution.check.endswith("nothing is left to count.")
        return
    left, direction, end, begin = undone.groups()
    shift = int(left) if direction == "after" else -int(left)
    assert int(left) == abs(offset) % 7
    assert end == solution.answer
    assert calendar.WEEKDAYS[(calendar.WEEKDAYS.index(end) + shift) % 7] == begin == weekday(start, 0)


def weekday(start: date, offset: int) -> str:
    """The day's name, from the calendar of the standard library."""
    return f"{start + timedelta(days=offset):%A}"


@given(st.dictionaries(st.sampled_from(sorted(LEGS)), st.integers(1, 20), min_size=2))
def test_any_animals_legs_are_counted(animals: dict[str, int]) -> None:
    solution = solved("leg_counting", animals=animals)
    parts = [count * LEGS[animal] for animal, count in animals.items()]
    size = len(animals)
    assert solution.method == ("one sum" if size == 2 else "running total")
    assert solution.tactics[:size] == tuple(
        f"{animal}: {count} * {LEGS[animal]} = {part}"
        for (animal, count), part in zip(animals.items(), parts, strict=True)
    )
    sums = [re.fullmatch(r"(\d+) \+ (\d+) = (\d+)", step) for step in solution.tactics[size:]]
    totals = list(accumulate(parts))
    stated = [tuple(map(int, found.groups())) for found in sums if found]
    assert stated == list(zip(totals, parts[1:], totals[1:], strict=False))
    assert len(stated) == len(sums) == size - 1
    assert int(solution.answer) == sum(parts)
    assert_true_equations(solution)


def test_legs_are_a_word_problem() -> None:
    assert FAMILIES["leg_counting"].domain == "word problems"
    assert all(problem.domain == "word problems" for problem, _ in samples("leg_counting"))


def test_polygons_are_convex_so_that_the_questions_are_honest() -> None:
    for problem, solution in samples("simple_geometry"):
        assert 0 < int(solution.answer) < 180, problem.question


@pytest.mark.parametrize(
    "solved_with",
    [
        lambda: solved("simple_geometry", known_angles=[131.0, 120.0, 98.0, 91.0]),
        lambda: solved("simple_geometry", known_angles=[91.0, 120.0, 131.0, 98.0]),
    ],
)
def test_a_pentagon_begins_with_its_angle_sum(solved_with: Callable[[], WorkedSolution]) -> None:
    solution = solved_with()
    assert (solution.tactics[0], solution.answer) == ("3 * 180 = 540", "100")


def assert_true_equations(solution: WorkedSolution) -> None:
    for left, right in equations("\n".join((*solution.tactics, solution.check))):
        assert value(left) == value(right), solution
