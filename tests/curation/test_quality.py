"""Arithmetic that is computed again, and checks that check."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.curation.conftest import make_trace
from workbench.curation.quality import check_strength, equations, soundness
from workbench.pool import PoolConfig, embedded_pool
from workbench.records import Step, Trace, read_records

DATA = Path(os.environ.get("WORKBENCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
GSM8K = DATA / "gsm8k" / "train.jsonl"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12 + 30 = 42", [True]),
        ("12 + 30 = 43", [False]),
        ("2 + 3 * 4 = 14 and 20 - 8 / 2 = 16", [True, True]),
        ("1,200 × 3 = 3,600; 7 ÷ 2 = 3.5", [True, True]),
        ("10 / 3 = 3.33, 10 / 3 = 3.34", [True, False]),
        ("1/2 + 1/3 = 5/6", [True]),
        ("5 - 9 = -4, 5 − 9 = 4", [True, False]),
        ("4 / 0 = 4", []),
        ("2x + 3 = 9, x + 3 = 9, 9:40 + 25 = 65, (1 + 2) * 3 + 1 = 4", []),
        ("17 / 5 = 3 remainder 2; 17 / 5 = 3 r 2; 17 / 5 = 3 and 2 left", []),
        ("101 + 111 = 1100 in binary; 24 x 5/8 = 15; 2 - 1/2 = 1 1/2; 17 000/5 = 3 400", []),
        (r"$3 \cdot 1 + 4 = 7$ and 7 = 8", []),
        ("2 + 2 = 5 - 1, 2 + 2 = 5 - 2", [True, False]),
        ("30* $75/50 = $45, $40 - $10 + 8 = $38", []),
        ("3 + 4 = 7.", [True]),
    ],
)
def test_only_equations_between_plain_numbers_are_judged(text: str, wanted: list[bool]) -> None:
    assert list(equations(text)) == wanted


def with_steps(trace: Trace, *texts: str, check: str | None) -> Trace:
    steps = [Step(role="strategy", text="Add."), *(Step(role="tactic", text=text) for text in texts)]
    return replace(trace, steps=(*steps, *([Step(role="check", text=check)] if check else [])))


def test_half_of_the_arithmetic_wrong_is_worth_nothing() -> None:
    trace = make_trace(3)
    assert soundness(trace) == 1.0
    assert soundness(with_steps(trace, "1 + 1 = 3", "2 + 2 = 4", check=None)) == 0.0
    assert soundness(with_steps(trace, "1 + 1 = 3", "2 + 2 = 4", "3 + 3 = 6", "4 + 4 = 8", check=None)) == 0.5
    assert soundness(with_steps(trace, "Count them.", check=None)) == 1.0


def test_a_check_that_repeats_is_worth_less_than_one_that_goes_another_way() -> None:
    trace = replace(make_trace(3), answer="42")
    steps = ("12 + 30 = 42",)
    other = check_strength(with_steps(trace, *steps, check="42 - 30 = 12, as given, so 42 holds."))
    repeated = check_strength(with_steps(trace, *steps, check="12 + 30 = 42"))
    empty = check_strength(with_steps(trace, *steps, check="12 + 30"))
    assert (other, repeated, empty) == (1.0, 0.5, 0.2)
    assert check_strength(with_steps(trace, *steps, check=None)) == 0.0


def test_worked_solutions_of_all_families_hold() -> None:
    pool = embedded_pool(600, 9, PoolConfig(ladder="wide", wordings=24))
    assert [trace.id for trace in pool if soundness(trace) < 1] == []


@pytest.mark.skipif(not GSM8K.is_file(), reason=f"{GSM8K} is not here")
def test_few_published_solutions_are_doubted() -> None:
    """Most of GSM8K's arithmetic is right: what is doubted must be rare."""
    traces = list(read_records(GSM8K, Trace))
    assert sum(soundness(trace) < 1 for trace in traces) < 0.01 * len(traces)
