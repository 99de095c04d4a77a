"""What traces say is true: every equation, whatever the form, and every count against counting one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain, combinations, pairwise, permutations, product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.pool import Form
from workbench.pool.embedded import worked_trace
from workbench.pool.families import FAMILIES, graphs, knights, probability
from workbench.pool.family import Family, Span, WorkedSolution
from workbench.pool.forms import form_of
from workbench.records import Problem, Trace

_NUMBER = r"(?:-?\d+(?:\.\d+)?|\(-\d+\))"
_EQUATION = re.compile(rf"(?<![\w^(.])({_NUMBER}(?: [-+*/] {_NUMBER})+) = (-?\d+(?:\.\d+)?)(?![\w^/]|\.\d)")
BY_NAME = {family.name: family for family in FAMILIES}
RECKONING = ("chain_sum", "products", "leg_counting", "simple_equations", "simple_geometry", "letter_counting", "aiw",
             "lcm", "prime_factorization", "complex_arithmetic", "rectangles", "dice", "coin_flip", "selections",
             "time_intervals", "largest_island", "fraction_simplification")  # fmt: skip


def value(expression: str) -> Fraction:
    """The value of numbers joined by ``+ - * /``, products first; a negative one may stand in brackets."""
    first, *rest = expression.replace("(", "").replace(")", "").split()
    terms = [Fraction(first)]
    for operator, number in zip(rest[::2], rest[1::2], strict=True):
        operand = Fraction(number)
        if operator in "*/":
            terms[-1] = terms[-1] * operand if operator == "*" else terms[-1] / operand
        else:
            terms.append(operand if operator == "+" else -operand)
    return sum(terms, Fraction(0))


def false_equations(text: str) -> Iterator[str]:
    for left, right in _EQUATION.findall(text):
        if abs(value(left) - Fraction(right)) > abs(Fraction(right)) / 10**9:
            yield f"{left} = {right}"


def text(trace: Trace, role: str) -> str:
    return "\n".join(step.text for step in trace.steps if step.role == role)


def test_the_checker_of_equations_sees_what_is_false() -> None:
    told = "12*q = 1 + 2 = 4, 15 * (-1) = -15, 1 / 8 = 0.125, 3 - 2 * 2 = 1 and (1 * 2) / (3 * 4) = 9"
    assert list(false_equations(told)) == ["1 + 2 = 4", "3 - 2 * 2 = 1"]


@pytest.mark.parametrize("name", RECKONING)
def test_equations_are_true_but_for_the_slip_that_is_labelled(name: str) -> None:
    family, seen = BY_NAME[name], 0
    for index in range(60):
        problem = family.problem(5, "dev", index, wide=index % 2 == 0)
        form = Form(length="long", voice=index, slip=index % 3 == 0)
        trace = worked_trace(family, problem, form, Random(index))
        wrong = list(false_equations(text(trace, "tactic")))
        seen += len(_EQUATION.findall(text(trace, "tactic")))
        assert not list(false_equations(text(trace, "check"))), text(trace, "check")
        if not form_of(trace).slip:
            assert not wrong, text(trace, "tactic")
        else:
            assert len(wrong) <= 1
            slip, lines = trace.usage["slip"], text(trace, "tactic").splitlines()
            assert all(equation in lines[slip["step"] - 1] for equation in wrong), (wrong, slip)
            assert slip["wrong"] in lines[-1]
    assert seen >= 30


def solved(name: str, question: str = "?", **metadata: object) -> WorkedSolution:
    problem = Problem(id="p", question=question, source=name, metadata=dict(metadata))
    solution = BY_NAME[name].solve(problem, Random(0))
    verify = BY_NAME[name].verify
    assert verify is not None
    assert verify(problem, solution.answer).holds
    return solution


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_dice_are_counted_as_by_rolling_all(sides: list[int], data: st.DataObject) -> None:
    sides.sort(reverse=True)
    target = data.draw(st.integers(len(sides), sum(sides)))
    rolls = list(product(*(range(1, size + 1) for size in sides)))
    wanted = Fraction(sum(sum(roll) >= target for roll in rolls), len(rolls))
    dice = ", ".join(f"1d{size}" for size in sides)
    answer = solved("dice", f"I have these dice: {dice}. What are the odds of rolling {target} or higher? (1d6)").answer
    assert answer == f"{wanted.numerator}/{wanted.denominator}"


@given(st.integers(1, 9), st.data(), st.booleans())
def test_coins_are_counted_as_by_flipping_all(flips: int, data: st.DataObject, exact: bool) -> None:
    heads = data.draw(st.integers(0, flips))
    cases = [sum(case) for case in product((0, 1), repeat=flips)]
    count = sum(case == heads if exact else case >= heads for case in cases)
    words = "exactly" if exact else "at least"
    answer = solved(
        "coin_flip", f"What is the probability of getting {words} {heads} heads in {flips} fair coin flips?"
    )
    assert Fraction(answer.answer) == Fraction(count, len(cases))


@given(st.sampled_from(("order", "places", "choice", "code")), st.integers(2, 6), st.data())
def test_selections_are_counted_as_by_listing_all(kind: str, things: int, data: st.DataObject) -> None:
    picked = things if kind == "order" else data.draw(st.integers(1, min(things, 4)))
    ways: Mapping[str, Any] = {"order": permutations, "places": permutations, "choice": combinations}
    listed = product(range(things), repeat=picked) if kind == "code" else ways[kind](range(things), picked)
    numbers = [things] if kind == "order" else [things, picked]
    assert solved("selections", kind=kind, numbers=numbers).answer == str(len(list(listed)))


@pytest.mark.parametrize("index", range(40))
def test_drawn_selections_and_rectangles_say_in_words_what_their_numbers_say(index: int) -> None:
    for name in ("selections", "rectangles"):
        problem = BY_NAME[name].problem(0, "dev", index)
        numbers = problem.metadata["numbers" if name == "selections" else "sides"]
        assert sorted(map(int, re.findall(r"\d+", problem.question))) == sorted(numbers)


@pytest.mark.parametrize(
    ("kind", "sides", "method", "answer"),
    [
        ("around", [7, 3], "half way, doubled", "20"),
        ("around", [6, 6], "four equal sides", "24"),
        ("inside", [12, 9], "length times width", "108"),
        ("side", [20, 7], "undo the perimeter", "3"),
        ("width", [84, 12], "undo the area", "7"),
        ("diagonal", [12, 5], "Pythagoras", "13"),
    ],
)
def test_rectangles(kind: str, sides: list[int], method: str, answer: str) -> None:
    solution = solved("rectangles", kind=kind, sides=sides)
    assert (solution.method, solution.answer) == (method, answer)


@pytest.mark.parametrize(
    ("start", "end", "method", "answer"),
    [
        ("09:10", "11:45", "part by part", "02:35"),
        ("09:50", "11:05", "to the full hour", "01:15"),
        ("09:50", "10:05", "to the full hour", "00:15"),
        ("23:59:59", "23:59:59", "part by part", "00:00:00"),
        ("08:59:50", "10:00:10", "borrow 60", "01:00:20"),
    ],
)
def test_times(start: str, end: str, method: str, answer: str) -> None:
    solution = solved("time_intervals", f"How much time elapsed from {start} to {end}? Give your answer in HH:MM.")
    assert (solution.method, solution.answer) == (method, answer)


@pytest.mark.parametrize(
    ("numbers", "method", "answer"),
    [([4, 12], "one is a multiple", "12"), ([9, 4], "nothing shared", "36"), ([12, 18], "product over GCD", "36")],
)
def test_multiples(numbers: list[int], method: str, answer: str) -> None:
    solution = solved("lcm", numbers=numbers)
    assert (solution.method, solution.answer) == (method, answer)


@given(st.integers(2, 9), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=14))
def test_courses_are_judged_as_by_trying_orders_of_removal(count: int, pairs: list[tuple[int, int]]) -> None:
    edges = [(a, b) for a, b in dict.fromkeys(pairs) if a < count and b < count and a != b]
    reach = {(a, b) for a, b in edges}
    for middle, a, b in product(range(count), repeat=3):
        if (a, middle) in reach and (middle, b) in reach:
            reach.add((a, b))
    possible = not any((n, n) in reach for n in range(count))
    question = f"There are a total of {count} courses you have to take.\n{edges}\n"
    assert solved("course_schedule", question).answer == str(possible)
    rounds, left = graphs.peel(count, edges)
    if left:
        path = graphs.circle(left, edges)
        assert path[0] == path[-1]
        assert all(pair in edges for pair in pairwise(path))
    else:
        assert sorted(chain.from_iterable(rounds)) == list(range(count))


@given(st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=2, max_size=5))
def test_islands_are_found_by_walking_and_by_joining_runs(grid: list[list[int]]) -> None:
    lines = "\n".join(" ".join(map(str, row)) for row in grid)
    solution = solved(
        "largest_island", f"You are given the following 4 x 5 binary matrix grid:\n{lines}\n\nAn island is"
    )
    sizes = [len(cells) for cells in graphs.islands(grid)]
    assert sum(sizes) == sum(map(sum, grid))
    assert solution.answer == str(max(sizes, default=0))


def test_claims_of_islanders() -> None:
    truth, lie = ("telling-truth", 0), ("lying", 1)
    worlds = list(product((True, False), repeat=2))
    for claim, wanted in (
        (("and", truth, lie), [False, True, False, False]),
        (("or", truth, lie), [True, True, False, True]),
        (("->", truth, lie), [False, True, True, True]),
        (("<=>", truth, lie), [False, True, True, False]),
        (("not", truth), [False, False, True, True]),
    ):
        assert [knights.is_true(claim, world) for world in worlds] == wanted


def test_chosen_is_written_from_the_shorter_side() -> None:
    assert probability.chosen(9, 7) == "9 choose 7 = 9 choose 2: (9 * 8) / (1 * 2) = 36"


def test_a_setting_may_be_drawn_and_an_item_refused() -> None:
    drawn: list[int] = []

    def generator(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        drawn.append(settings["size"])
        number = rng.randrange(10)
        return {"question": f"{number}?", "answer": str(number), "metadata": {}}

    family = Family(
        name="odd",
        domain="d",
        answer_type="number",
        levels=({"size": Span(3, 5)},),
        generator=generator,
        solve=lambda problem, rng: pytest.fail("nothing is solved here"),
        usable=lambda item: int(item["answer"]) % 2 == 1,
    )
    problems = [family.problem(0, "train", index) for index in range(60)]
    assert {int(problem.answer or 0) % 2 for problem in problems} == {1}
    assert set(drawn) == {3, 4, 5}
    assert [family.problem(0, "train", index) for index in range(60)] == problems


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("complex_arithmetic", {"answer": "-0.00"}),
        ("needle_haystack", {"question": "Ann likes tea. Bob likes tea. \nWho likes tea? Reply only with a name."}),
    ],
)
def test_items_without_one_honest_answer_are_drawn_again(name: str, item: dict[str, str]) -> None:
    usable = BY_NAME[name].usable
    assert usable is not None
    assert not usable(item)


def test_no_interval_runs_backwards() -> None:
    usable = BY_NAME["time_intervals"].usable
    assert usable is not None
    assert not usable({"answer": "-24:10"})
    assert usable({"answer": "00:10"})
