"""Dose and response on a tiny student: every problem under every guidance, none beyond its dose."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.errors import InputError
from workbench.evaluation import dose_response


@pytest.fixture
def problems(traces):
    return [trace.problem for trace in traces[:3]]


def guidances(*doses: int) -> dict[int, wb.Guidance]:
    return {dose: wb.Guidance([wb.PlanFirst(), wb.Budget(max_tokens=dose, answer_tokens=4)]) for dose in doses}


def test_each_problem_is_answered_within_each_dose(make_student, problems):
    doses = dose_response(make_student(), problems, guidances(24, 8), slots=4)
    assert [row["dose"] for row in doses.rows] == [8, 24]
    assert [(c.problem_id, c.arm) for c in doses.completions[:3]] == [(p.id, "at most 8 tokens") for p in problems]
    longest = [max(len(c.token_ids) for c in doses.completions if f" {dose} " in c.arm) for dose in (8, 24)]
    assert longest[0] <= 8
    assert longest[1] <= 24
    for row in doses.rows:
        assert row["n"] == 3
        assert row["accuracy"][1] <= row["accuracy"][0] <= row["accuracy"][2]
        assert row["tokens"][1] <= row["tokens"][0] <= row["tokens"][2]


def test_a_dose_answers_as_it_would_alone(make_student, problems):
    student = make_student()
    together = dose_response(student, problems, guidances(8, 24))
    alone = dose_response(student, problems, guidances(24))
    assert [c.text for c in together.completions[3:]] == [c.text for c in alone.completions]


def test_a_single_problem_has_a_mean_and_no_spread(make_student, problems):
    (row,) = dose_response(make_student(), problems[:1], guidances(8)).rows
    assert row["tokens"][0] == row["tokens"][1] == row["tokens"][2]


def test_nothing_to_try_is_said(make_student, problems):
    with pytest.raises(InputError, match="at least one problem"):
        dose_response(make_student(), problems, {})
