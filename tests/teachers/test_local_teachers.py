"""The teachers on this computer: programs, and recorded traces."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from workbench.errors import InputError
from workbench.pool import embedded_problems
from workbench.records import Problem, Trace, read_records, write_records
from workbench.teachers import CollectConfig, collect, open_teacher, unanswered_path


@pytest.fixture(scope="module")
def problems():
    return embedded_problems("dev", 1)


def test_programs_solve_embedded_problems_of_every_family_and_refuse_others(problems, tmp_path):
    out = tmp_path / "traces.jsonl"
    strangers = [
        Problem(id="a", question="What is love?"),
        replace(problems[0], id="b", metadata={}, question="1 + 1?"),
    ]
    collected = collect([*problems, *strangers], open_teacher("worked"), out, CollectConfig())
    assert (collected.traces, collected.correct, dict(collected.unanswered)) == (
        len(problems),
        len(problems),
        {"refused": 2},
    )
    traces = list(read_records(out, Trace))
    assert {trace.teacher for trace in traces} == {"worked"}
    assert all(trace.steps for trace in traces)
    said = unanswered_path(out).read_text()
    assert said.count("is of no embedded family") == 2


def test_a_table_keeps_enough_of_an_embedded_problem_to_be_solved(problems, tmp_path):
    with (tmp_path / "table.csv").open("w", newline="") as stream:
        rows = [(problem.id, problem.question, problem.answer) for problem in problems]
        csv.writer(stream).writerows([("id", "question", "answer"), *rows, (problems[0].id, "another question", "1")])
    read = list(read_records(tmp_path / "table.csv", Problem))
    collected = collect(read, open_teacher("worked"), tmp_path / "traces.jsonl", CollectConfig())
    assert collected.traces == len(problems)
    assert collected.unanswered["refused"] == 1, "an id alone proves nothing"


def test_a_second_sample_of_a_program_is_refused(problems, tmp_path):
    collected = collect(problems[:2], open_teacher("worked"), tmp_path / "t.jsonl", CollectConfig(samples=2))
    assert (collected.traces, collected.unanswered["refused"]) == (2, 2)


def test_recorded_traces_are_found_by_question_and_by_id(tmp_path):
    recorded = [
        Trace(id="1", problem=Problem(id="x", question="What is 2 + 2?"), teacher="somebody", answer="4",
              reasoning="two and two", model_version="v7", created="2026-01-01"),
        Trace(id="2", problem=Problem(id="x", question="What is 2 + 2?"), teacher="somebody", answer="5"),
        Trace(id="3", problem=Problem(id="17", question="How many legs have 3 dogs?"), teacher="else", answer="12"),
    ]  # fmt: skip
    write_records(tmp_path / "old.jsonl", recorded)
    asked = [
        Problem(id="other", question="what  is 2 + 2?", answer="4"),
        Problem(id="17", question="How many legs do 3 dogs have?"),
        Problem(id="17b", question="How many legs do 3 dogs have?"),
        Problem(id="x", question="Who wrote Faust?"),
    ]
    teacher = open_teacher(f"replay:{tmp_path / 'old.jsonl'}")
    collected = collect(asked, teacher, tmp_path / "new.jsonl", CollectConfig(samples=2))
    traces = list(read_records(tmp_path / "new.jsonl", Trace))
    assert [(t.problem.id, t.sample, t.answer, t.is_correct) for t in traces] == [
        ("other", 0, "4", True), ("other", 1, "5", False), ("17", 0, "12", None),
    ]  # fmt: skip
    assert (traces[0].teacher, traces[0].model_version, traces[0].created) == ("somebody", "v7", "2026-01-01")
    assert collected.unanswered["refused"] == 5


def test_the_same_bytes_each_time(problems, tmp_path):
    for name in ("a", "b"):
        collect(problems, open_teacher("worked"), tmp_path / f"{name}.parquet", CollectConfig())
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_nothing_collected_is_an_error_with_the_place_of_the_reasons(tmp_path):
    with pytest.raises(InputError, match=r"1 refused; reasons: .*t\.unanswered\.jsonl"):
        collect([Problem(id="a", question="?")], open_teacher("worked"), tmp_path / "t.jsonl", CollectConfig())
    assert [path.name for path in tmp_path.iterdir()] == ["t.unanswered.jsonl"]
