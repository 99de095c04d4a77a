"""Questions without an answer, from an API's teacher to an exported student: nothing is called verified."""

from __future__ import annotations

import json

import workbench as wb
from tests.teachers.conftest import sums
from workbench.teachers import TeacherConfig


def test_traces_that_nobody_can_verify_are_learnt_and_stay_unverified(server, saved_student, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = TeacherConfig(base_url=server.url, price_in=1.0, price_out=5.0, max_tokens=300)
    said: list[str] = []
    problems = [*sums(30, answered=False), *sums(40)[30:]]
    collected = wb.collect_traces(
        problems, "anthropic:tiny", "own/traces.jsonl", 1.0, holdout=4, config=config, say=said.append
    )
    assert (collected.unverified, collected.correct, collected.wrong) == (30, 6, 0)
    assert "about" in said[1]
    curated = wb.curate("own/traces.jsonl", size=30, student=str(saved_student), out="own/curated")
    assert curated.kept == 30
    student = wb.distill(
        curated, student=str(saved_student), budget=0.05, epochs=1, first_layer=2, max_tokens=2_000, out="own/student"
    )
    record = json.loads((tmp_path / "own" / "student" / "training.json").read_text())
    assert record["teacher"] == {"anthropic:tiny": 30}
    assert 24 <= record["unverified"] <= 30
    wb.export_student("own/student", "own/exported")
    card = (tmp_path / "own" / "exported" / "README.md").read_text()
    assert f"{record['unverified']} of them with an answer that" in card
    measured = wb.evaluate(student, "own/traces.holdout.jsonl")
    assert measured["groups"]["all"]["problems"] == 4
