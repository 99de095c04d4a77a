"""What the workbench ships: the sample is whole and made anew to the byte, and nothing in it names a machine."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tools.make_data import ARMS, PER_FAMILY, SAMPLE_FILES, SIZE, STUDENT, make_sample
from workbench.errors import StorageError
from workbench.evaluation import Outcome
from workbench.grading import grade_answer
from workbench.pool import core_families, seen_families
from workbench.records import Completion, Problem, Trace, read_records
from workbench.shipped import COMPARISONS, SAMPLE, shipped
from workbench.workflow import graded, held_out_problems

ROOT = Path(__file__).resolve().parent.parent


def recorded() -> list[Outcome]:
    problems = list(read_records(shipped(COMPARISONS) / "problems.jsonl", Problem))
    return graded(
        problems, {arm: list(read_records(shipped(COMPARISONS) / f"{arm}.jsonl", Completion)) for arm in ARMS}
    )


def test_the_sample_is_verified_spread_over_the_families_and_holds_no_held_out_question():
    traces = list(read_records(shipped(SAMPLE), Trace))
    assert len({trace.problem.question for trace in traces}) == len(traces) == SIZE
    assert {trace.problem.source for trace in traces} == {family.name for family in seen_families(core_families())}
    assert all(grade_answer(trace.problem, trace.answer or "").is_correct for trace in traces)
    held_out = {problem.question for problem in held_out_problems(0)}
    assert not held_out & {trace.problem.question for trace in traces}


def test_every_family_is_compared_and_none_by_choice():
    problems = [outcome.problem for outcome in recorded()]
    assert [problem.id for problem in problems] == [
        f"{family.name}-dev-0-{index}" for family in core_families() for index in range(PER_FAMILY)
    ]
    teachers = {trace.problem.id: trace for trace in read_records(shipped(COMPARISONS) / "teacher.jsonl", Trace)}
    assert all(teachers[problem.id].is_correct for problem in problems)


def test_the_recorded_student_is_better_than_its_base():
    seen = [outcome for outcome in recorded() if not outcome.unseen]
    right = {arm: sum(outcome.correct(arm) for outcome in seen) for arm in ARMS}
    assert right["student"] > right["base"]
    assert {completion.student for outcome in seen for completion in outcome.completions.values()} == {STUDENT}


def test_no_file_names_the_machine_it_was_made_on():
    for path in (ROOT / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(ROOT).encode() not in content, path
            assert str(Path.home()).encode() + b"/" not in content, path


def test_a_missing_file_is_one_line():
    with pytest.raises(StorageError, match=r"lacks nothing\.jsonl"):
        shipped("nothing.jsonl")


@pytest.mark.slow
def test_the_sample_is_made_anew_to_the_byte(tmp_path):
    make_sample(tmp_path / "pool.parquet", tmp_path / "sample")
    for name in SAMPLE_FILES:
        assert (tmp_path / "sample" / name).read_bytes() == (ROOT / "data" / name).read_bytes(), name


def test_the_wheel_carries_the_data(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped_files = {path.relative_to(ROOT) for path in (ROOT / "data").rglob("*") if path.is_file()}
    assert {f"workbench/{path}" for path in shipped_files} <= names
    assert {"workbench/py.typed", "workbench/views/report.css"} <= names
