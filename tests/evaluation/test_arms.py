"""Arms on a tiny student: resumed, never mixed, graded blind to the arm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.evaluation import BASE, STUDENT, Arm, DecodingConfig, answer_problems, family_rows, grade_arms
from workbench.interventions import Guidance, PlanFirst
from workbench.pool import embedded_problems, worked_answer
from workbench.progress import silent
from workbench.records import Completion, read_records, rendered_text

CONFIG = DecodingConfig(max_tokens=12, slots=3)


@pytest.fixture(scope="module")
def problems():
    return embedded_problems("dev", per_family=1, seed=2)


class Stop(Exception):
    """What a test raises in place of a crash."""


def stopping(items, total, label):
    """Progress that ends in a crash after five items."""
    for index, item in enumerate(items):
        if index == 5:
            raise Stop
        yield item


def test_an_interrupted_arm_goes_on_and_ends_the_same(make_student, problems, tmp_path):
    student = make_student()
    whole = answer_problems(student, problems, BASE, CONFIG, tmp_path / "whole.jsonl", silent)

    with pytest.raises(Stop):
        answer_problems(student, problems, BASE, CONFIG, tmp_path / "broken.jsonl", stopping)
    (partial,) = tmp_path.glob(".broken.*.jsonl")
    partial.write_bytes(partial.read_bytes() + b'{"schema": "workbench.comp')
    counts = []

    def counting(items, total, label):
        counts.append(total)
        return items

    resumed = answer_problems(student, problems, BASE, CONFIG, tmp_path / "broken.jsonl", counting)
    assert counts == [len(problems) - 5]
    assert [c.token_ids for c in resumed] == [c.token_ids for c in whole]
    assert [c.problem_id for c in read_records(tmp_path / "broken.jsonl", Completion)] == [p.id for p in problems]
    assert not list(tmp_path.glob(".*"))


def test_a_problem_that_cannot_be_asked_is_recorded_and_the_others_go_on(make_student, problems, tmp_path):
    asked = [replace(problems[0], question="1 " * 5_000), *problems[1:4]]
    answered = answer_problems(make_student(), asked, BASE, CONFIG, tmp_path / "x.jsonl", silent)
    assert [c.finish_reason == "error" for c in answered] == [True, False, False, False]
    assert "shorten the question" in next(iter(read_records(tmp_path / "x.jsonl", Completion))).error


def test_fast_answers_are_kept_apart_from_exact_ones(make_student, problems, tmp_path):
    fast = replace(CONFIG, fast=True)
    with pytest.raises(Stop):
        answer_problems(make_student(), problems, BASE, fast, tmp_path / "x.jsonl", stopping)
    exact = answer_problems(make_student(), problems, BASE, CONFIG, tmp_path / "x.jsonl", silent)
    quick = answer_problems(make_student(), problems, BASE, fast, tmp_path / "y.jsonl", silent)
    whole = answer_problems(make_student(), problems, BASE, CONFIG, tmp_path / "z.jsonl", silent)
    assert [c.token_ids for c in exact] == [c.token_ids for c in whole] != [c.token_ids for c in quick]


def test_what_another_student_left_is_not_taken(make_student, problems, tmp_path):
    with pytest.raises(Stop):
        answer_problems(make_student("llama"), problems, BASE, CONFIG, tmp_path / "x.jsonl", stopping)
    own = answer_problems(make_student("qwen3"), problems, BASE, CONFIG, tmp_path / "x.jsonl", silent)
    alone = answer_problems(make_student("qwen3"), problems, BASE, CONFIG, tmp_path / "y.jsonl", silent)
    assert [c.token_ids for c in own] == [c.token_ids for c in alone]


def test_guidance_is_recorded_in_its_arm_alone(make_student, problems, tmp_path):
    student, guided = make_student(), Arm("student_guided", adapter=True, guidance=Guidance([PlanFirst()]))
    plain = answer_problems(student, problems, STUDENT, CONFIG, tmp_path / "a.jsonl", silent)
    steered = answer_problems(student, problems, guided, CONFIG, tmp_path / "b.jsonl", silent)
    assert not any(completion.events for completion in plain)
    assert all(completion.text.startswith("Plan:") for completion in steered)


def test_right_and_wrong_answers_are_told_apart_in_every_arm(problems):
    def completions(arm, texts):
        return [
            Completion(problem_id=p.id, arm=arm, student="x", text=text, finish_reason="stop")
            for p, text in zip(problems, texts, strict=True)
        ]

    right = [rendered_text(worked_answer(problem)) for problem in problems]
    arms = {"base": completions("base", ["I do not know."] * len(problems)), "student": completions("student", right)}
    outcomes = grade_arms(problems, arms, lambda problem: problem.source == "products")
    assert all(outcome.correct("student") and not outcome.correct("base") for outcome in outcomes)
    rows = family_rows(outcomes, ["base", "student"], seed=0)
    assert {row["family"] for row in rows if row["unseen"]} == {"products"}
    assert all(row["gain"]["value"] == 1.0 and row["format"] == {"base": 0.0, "student": 1.0} for row in rows)
