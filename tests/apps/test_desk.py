"""The app's desk: recorded at once, live once the student is there, and a reason where it never comes."""

from __future__ import annotations

import threading

import pytest

from workbench.comparison import read_comparisons
from workbench.errors import InputError, StudentError, WorkbenchError
from workbench.views.desk import NO_GUIDANCE, NO_TEACHER, Ask, Desk


@pytest.fixture
def comparisons(recorded):
    return read_comparisons(recorded)


@pytest.fixture
def desk(distilled, comparisons):
    return Desk(lambda: distilled, comparisons)


def test_recorded_comparisons_need_no_student(comparisons):
    def never():
        raise AssertionError("loaded for nothing")

    desk = Desk(never, comparisons)
    shown = desk.shown(comparisons[0].problem.id)
    assert (shown.state, [pane.arm for pane in shown.panes()]) == (
        "recorded",
        ["teacher", "base", "student", "student_guided"],
    )
    assert [pane.verdict for pane in shown.panes()] == ["correct", "wrong", "correct", "wrong"]
    assert [entry["recorded"] for entry in desk.listing()] == [True] * 4
    assert not desk.ready


def test_a_problem_without_a_recording_waits_to_be_asked(comparisons):
    desk = Desk(lambda: None, [], [comparison.problem for comparison in comparisons])
    shown = desk.shown(comparisons[0].problem.id)
    assert shown.state == "new"
    assert next(pane.verdict for pane in shown.panes()) == "correct"
    assert not shown.to_json()["finished"]
    with pytest.raises(InputError, match="no such problem"):
        desk.shown("nothing")


def test_a_question_waits_for_the_student_and_is_then_answered(distilled, comparisons):
    there = threading.Event()

    def load():
        assert there.wait(20)
        return distilled

    running = Desk(load, comparisons).run(Ask(question="1 + 1?", max_tokens=16))
    assert [next(running).state for _ in range(2)] == ["waiting", "waiting"]
    there.set()
    states = [shown.state for shown in running]
    assert states[-2:] == ["writing", "finished"]
    assert set(states) <= {"waiting", "writing", "finished"}


def test_a_student_that_cannot_be_loaded_is_one_line(comparisons):
    def load():
        raise StudentError("no student 'nobody'")

    desk = Desk(load, comparisons)
    with pytest.raises(StudentError, match="no student 'nobody'"):
        list(desk.run(Ask(question="1 + 1?")))
    assert desk.failure == "no student 'nobody'"
    assert desk.shown(comparisons[0].problem.id).state == "recorded"

    def crash():
        raise RuntimeError("something deep\nwith a long tail")

    with pytest.raises(WorkbenchError, match=r"could not be loaded: something deep$"):
        list(Desk(crash, comparisons).run(Ask(question="1 + 1?")))


def test_the_student_is_loaded_once(distilled, comparisons):
    times = []
    desk = Desk(lambda: times.append(1) or distilled, comparisons)
    for _ in range(3):
        desk.start()
    list(desk.run(Ask(question="1 + 1?", max_tokens=16)))
    assert times == [1]


def test_a_stopped_comparison_keeps_what_was_written(desk):
    seen = []
    running = desk.run(Ask(question="Tell me a story.", max_tokens=512), lambda: len(seen) > 4)
    for shown in running:
        seen.append(shown)
    last = seen[-1]
    assert last.state == "stopped"
    assert all(0 < len(draft.token_ids) < 512 for draft in last.drafts if not draft.completion)
    assert any(pane.note == "stopped" and not pane.writing for pane in last.panes())
    assert last.to_json()["finished"]


def test_an_embedded_problem_counts_unless_something_else_was_typed(desk, comparisons):
    problem = comparisons[0].problem
    for question, reference, is_own in (
        ("", "", False),
        (f" {problem.question}\n", problem.answer, False),
        (problem.question + " Really?", "", True),
        (problem.question, "another", True),
    ):
        ask = Ask(problem_id=problem.id, question=question, reference=reference, max_tokens=16)
        *_, last = desk.run(ask)
        teacher = last.to_json()["panes"][0]
        assert (NO_TEACHER in teacher["label"]) == is_own
        assert (last.problem.id == problem.id) != is_own


def test_without_guidance_there_is_a_word_in_its_place(desk):
    *_, last = desk.run(Ask(question="1 + 1?", guides=(), max_tokens=16))
    assert [pane.arm for pane in last.panes()] == ["teacher", "base", "student", "student_guided"]
    assert last.panes()[-1].note == NO_GUIDANCE


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"max_tokens": 4}, "max_tokens=4"), ({"max_tokens": 9_999}, "max_tokens=9999"), ({"guides": ("X",)}, "'X'")],
)
def test_what_cannot_be_asked_is_one_line(fields, said):
    with pytest.raises(InputError, match=said):
        Ask(question="1 + 1?", **fields)
