"""Planted defects: their rate, their labels, and that nothing but the labels gives them away."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import pytest

from workbench.curation import CurationConfig, curate
from workbench.curation.filters import judge
from workbench.grading import grade_answer
from workbench.pool import (
    KINDS,
    Label,
    PoolConfig,
    embedded_pool,
    embedded_problems,
    labelled_pool,
    labels_path,
    read_labels,
    write_pool,
)
from workbench.pool.defects import paraphrased
from workbench.pool.embedded import Row
from workbench.records import Trace, rendered_text

SIZE, SHARE = 4_000, 0.2
PLANTED = PoolConfig(defect_share=SHARE)


@cache
def rows() -> tuple[Row, ...]:
    return tuple(labelled_pool(SIZE, 0, PLANTED))


@cache
def sound() -> tuple[Trace, ...]:
    return tuple(embedded_pool(SIZE, 0))


def planted(kind: str) -> list[tuple[Trace, Label, Trace]]:
    """Traces with a defect, their label, and the sound trace of the same row."""
    return [(trace, label, clean) for (trace, label), clean in zip(rows(), sound(), strict=True)
            if label and label.kind == kind]  # fmt: skip


def test_kinds_come_at_the_stated_rate_evenly() -> None:
    counts = Counter(label.kind for _, label in rows() if label)
    assert set(counts) == set(KINDS)
    assert abs(counts.total() / SIZE - SHARE) <= 0.02
    assert max(counts.values()) <= 1.6 * min(counts.values())


def test_rows_without_a_label_are_as_they_would_be() -> None:
    for (trace, label), clean in zip(rows(), sound(), strict=True):
        assert (trace.id, trace.problem.id) == (clean.id, clean.problem.id)
        assert trace.is_correct is None
        if label is None:
            assert (trace.problem, trace.steps, trace.answer) == (clean.problem, clean.steps, clean.answer)
        else:
            assert label.id == trace.id
    assert len({trace.id for trace, _ in rows()}) == SIZE


def test_wrong_answers_are_wrong_and_their_problem_is_not() -> None:
    for trace, label, clean in planted("wrong answer"):
        assert trace.problem == clean.problem
        assert grade_answer(trace.problem, trace.answer or "").verdict == "wrong", label
    assert any(trace.steps != clean.steps for trace, _, clean in planted("wrong answer"))
    assert any(trace.steps == clean.steps for trace, _, clean in planted("wrong answer"))


def test_cut_off_traces_have_no_answer_and_only_some_say_why() -> None:
    reasons = set()
    for trace, _, clean in planted("cut off"):
        assert trace.answer is None
        whole, left = (" ".join(step.text for step in each.steps) for each in (clean, trace))
        assert whole.startswith(left)
        assert len(left) < len(whole)
        reasons.add(trace.finish_reason)
    assert reasons == {"stop", "length"}


def test_loops_repeat_and_copies_copy() -> None:
    by_id = {trace.id: trace for trace in sound()}
    for trace, _, clean in planted("looping"):
        assert len(rendered_text(trace)) > 1.5 * len(rendered_text(clean))
    for trace, label, _ in planted("exact duplicate"):
        original = by_id[label.of]
        assert (trace.problem.question, trace.steps, trace.answer) == (
            original.problem.question,
            original.steps,
            original.answer,
        )
    for trace, label, _ in planted("near duplicate"):
        original = by_id[label.of]
        assert trace.problem.question != original.problem.question
        words = [re.sub(r"[\W_]+", "", each.problem.question.lower()) for each in (trace, original)]
        assert words[0].removeprefix("question") == words[1]


def test_originals_of_copies_stand_before_them_and_are_sound() -> None:
    places = {trace.id: place for place, (trace, _) in enumerate(rows())}
    marked = {label.id for _, label in rows() if label}
    for kind in ("exact duplicate", "near duplicate"):
        for trace, label, _ in planted(kind):
            assert places[label.of] < places[trace.id]
            assert label.of not in marked


def test_paraphrases_are_of_held_out_problems_in_other_words() -> None:
    held_out = {problem.question for split in ("dev", "test") for problem in embedded_problems(split, 100)}  # type: ignore[arg-type]
    for trace, label, _ in planted("held-out paraphrase"):
        original = label.detail.removeprefix("held out: ")
        assert original in held_out
        assert trace.problem.question not in held_out
        numbers = [re.findall(r"\d+", question) for question in (original, trace.problem.question)]
        assert numbers[0] == numbers[1]
        assert grade_answer(trace.problem, trace.answer or "").is_correct


def test_any_question_has_a_paraphrase() -> None:
    for seed in range(30):
        for question in ("What is 3 + 4?", "Zork?", "Find the {GCD} of 3 and 9"):
            assert paraphrased(question, Random(seed)) != question


def test_control_tokens_stand_where_the_label_says() -> None:
    for trace, label, clean in planted("control token"):
        token, where = re.fullmatch(r"(\S+) in (?:the |a )(\w+)", label.detail).groups()  # type: ignore[union-attr]
        changed = {
            "question": trace.problem.question != clean.problem.question,
            "step": trace.steps != clean.steps,
            "answer": trace.answer != clean.answer,
        }
        assert changed == {name: name == where for name in changed}
        assert token in f"{trace.problem.question}{rendered_text(trace)}"


def test_curations_filters_find_the_blatant_kinds_and_spare_sound_traces() -> None:
    config = CurationConfig(max_tokens=4_096)
    found, all_of = Counter[str](), Counter[str]()
    for trace, label in rows():
        kind = label.kind if label else "sound"
        all_of[kind] += 1
        found[kind] += judge(trace, config, None, grade_answer).defect is not None
    assert found["sound"] == 0
    for kind in ("wrong answer", "cut off", "control token"):
        assert found[kind] == all_of[kind], kind
    assert found["looping"] >= 0.7 * all_of["looping"]


def test_the_labels_lie_beside_the_pool_and_curation_works_without_them(tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    written, count = write_pool(pool, 400, 0, PLANTED)
    labels = read_labels(labels_path(pool))
    assert (written, count) == (400, len(labels))
    assert labels == [label for _, label in list(rows())[:400] if label]
    assert b"workbench.label" not in pool.read_bytes()
    report = curate(pool, tmp_path / "with", CurationConfig(size=50), grade_answer=grade_answer)
    labels_path(pool).unlink()
    again = curate(pool, tmp_path / "without", CurationConfig(size=50), grade_answer=grade_answer)
    assert report.curated_path.read_bytes() == again.curated_path.read_bytes()


def test_labels_of_an_older_pool_do_not_stay_beside_a_clean_one(tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    write_pool(pool, 60, 0, PoolConfig(defect_share=1.0))
    assert labels_path(pool).exists()
    assert write_pool(pool, 60, 0, PoolConfig()) == (60, 0)
    assert not labels_path(pool).exists()


def test_a_write_that_fails_leaves_neither_pool_nor_labels(tmp_path: Path) -> None:
    def breaks(traces, total, label):  # type: ignore[no-untyped-def]
        yield next(iter(traces))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pool(tmp_path / "pool.jsonl", 60, 0, PoolConfig(defect_share=1.0), track=breaks)
    assert list(tmp_path.iterdir()) == []
