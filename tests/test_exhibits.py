"""What notebooks look at: graded, in order, quick to change, and outside text as text."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

import workbench as wb
from workbench.errors import InputError

HOSTILE = "<script>alert(1)</script> <|im_end|> {{ 7 * 7 }}"


def completion(problem: wb.Problem, text: str, arm: str = "student") -> wb.Completion:
    return wb.Completion(problem_id=problem.id, arm=arm, student="tiny", text=text, finish_reason="stop")


def test_answers_to_a_problem_are_graded_and_to_a_question_are_not(traces):
    trace = traces[0]
    answers = (
        completion(trace.problem, f"Answer: {trace.answer}"),
        completion(trace.problem, "Answer: 31415926", "base"),
    )
    graded = wb.side_by_side(trace.problem, trace, *answers).html
    assert graded.count("badge correct") == 2
    assert graded.count("badge wrong") == 1
    assert "badge ungraded" in wb.side_by_side("1 + 1?", answers[0]).html


def test_outside_text_stays_text(traces):
    problem = replace(traces[0].problem, question=HOSTILE, answer=HOSTILE)
    shown = wb.side_by_side(problem, replace(traces[0], problem=problem), completion(problem, f"Plan: {HOSTILE}"))
    browsed = wb.browse_answers([problem], [completion(problem, HOSTILE)])
    for page in (shown.html, browsed.html):
        assert "<script>" not in page
        assert "{{ 7 * 7 }}" in page
    assert repr(shown).startswith(HOSTILE)


def test_traces_are_browsed_by_family_and_a_short_family_shows_its_last(traces):
    browser = wb.browse_traces(traces)
    families = {trace.problem.source for trace in traces}
    family = traces[0].problem.source
    own = [trace for trace in traces if trace.problem.source == family]
    assert set(browser._controls["family"].values()) == families
    last = browser._render(family=family, trace=len(own))
    assert browser._render(family=family, trace=1_000) == last
    assert last != browser._render(family=family, trace=1)


def test_answers_are_browsed_problem_by_problem(traces):
    problems = [trace.problem for trace in traces[:2]]
    written = [completion(problems[1], "Answer: second"), completion(problems[0], "Answer: first"), *traces[:3]]
    browser = wb.browse_answers(problems, written)
    first, second = (browser._render(problem=problem.id) for problem in problems)
    assert ("first" in first, "second" in first) == (True, False)
    assert ("first" in second, "second" in second) == (False, True)
    assert 'data-arm="teacher"' in first


def test_choices_are_browsed_in_their_order_and_fast(saved_student, tmp_path):
    curated = wb.curate(wb.embedded_pool(200), size=40, student=str(saved_student), out=tmp_path / "curated")
    browser = wb.browse_choices(curated)
    assert browser._controls["choice"] == range(1, 41)
    assert "Choice 1 of 40" in browser.html
    started = time.perf_counter()
    pages = {browser._render(choice=choice) for choice in range(1, 41)}
    assert len(pages) == 40
    assert (time.perf_counter() - started) / 40 < 0.1


def test_recorded_comparisons_are_browsed_with_their_teacher():
    comparisons = wb.read_comparisons()
    browser = wb.browse_comparisons(comparisons)
    assert len(browser._controls["problem"]) == len(comparisons)
    assert browser.html.count("<article") == 4
    measured = wb.measure(comparisons)
    assert list(measured["groups"]["all"]["accuracy"]) == list(comparisons[0].completions)
    right = sum(each.grades["student"].is_correct for each in comparisons)
    assert measured["groups"]["all"]["accuracy"]["student"]["value"] == pytest.approx(right / len(comparisons))


def test_nothing_to_browse_is_said():
    for browser in (wb.browse_traces, wb.browse_comparisons):
        with pytest.raises(InputError, match="nothing to choose from"):
            browser([])


def test_compare_answers_as_every_arm(make_student):
    answers = wb.compare("1 + 1?", make_student(), wb.Guidance([wb.PlanFirst()]), max_tokens=12)
    assert [answer.arm for answer in answers] == ["base", "base_guided"]
    assert answers[1].text.startswith("Plan:")


def test_parts_add_up_to_the_model(make_student):
    from workbench.adapters import count_parameters

    model = make_student("qwen2").model
    parts = wb.count_by_part(model)
    assert sum(parts.values()) == count_parameters(model)
    assert list(parts.values()) == sorted(parts.values(), reverse=True)
    assert "embed_tokens" in parts
    assert "lm_head" not in parts  # tied


def test_the_sample_is_read_whole():
    traces = wb.sample()
    assert len(traces) == 300
    assert all(trace.teacher == "worked" for trace in traces)
