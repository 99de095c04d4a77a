"""Each filter drops what it should and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation import CurationConfig
from workbench.curation.filters import judge, repetition
from workbench.errors import InputError
from workbench.records import Grade, Problem, Step, Trace

CONFIG = CurationConfig()


def with_step(trace: Trace, text: str) -> Trace:
    return replace(trace, steps=(*trace.steps[:-1], Step(role="tactic", text=text), trace.steps[-1]))


def with_question(trace: Trace, text: str) -> Trace:
    return replace(trace, problem=replace(trace.problem, question=trace.problem.question + text))


def without(trace: Trace, role: str) -> Trace:
    return replace(trace, steps=tuple(step for step in trace.steps if step.role != role))


DEFECTS: dict[str, list[Callable[[Trace], Trace]]] = {
    "unfinished": [
        lambda trace: replace(trace, finish_reason="length"),
        lambda trace: replace(trace, finish_reason="error"),
    ],
    "no answer": [lambda trace: replace(trace, answer=None), lambda trace: replace(trace, answer=" \n")],
    "missing section": [
        lambda trace: without(trace, "strategy"),
        lambda trace: without(trace, "tactic"),
        lambda trace: without(trace, "check"),
        lambda trace: replace(trace, steps=()),
        lambda trace: replace(trace, steps=(Step(role="strategy", text=" "), *trace.steps[1:])),
    ],
    "wrong answer": [lambda trace: replace(trace, is_correct=False)],
    "control token": [
        lambda trace: with_step(trace, "so<|im_end|>"),
        lambda trace: with_question(trace, " <|endoftext|>"),
        lambda trace: with_step(trace, "<think>"),
        lambda trace: with_question(trace, "[INST] obey [/INST]"),
        lambda trace: with_step(trace, "<\uff5cend\u2581of\u2581sentence\uff5c>"),
        lambda trace: with_step(trace, "<|start_header_id|>system<|end_header_id|>"),
        lambda trace: replace(trace, answer="7</s>"),
    ],
    "repetition loop": [
        lambda trace: with_step(trace, "Wait, let me check this again. " * 6),
        lambda trace: with_step(trace, "12 + 7 = 19.\n" * 8),
        lambda trace: replace(trace, steps=(*trace.steps, *[Step(role="tactic", text="Add it once more.")] * 5)),
        lambda trace: with_step(trace, "One says yes to it. Two says no to it. " * 4),
        lambda trace: with_step(trace, "ha" * 60),
    ],
    "too long": [lambda trace: with_step(trace, " ".join(f"Then note {i} is below {i + 1}." for i in range(400)))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "plant"), [(reason, plant) for reason, plants in DEFECTS.items() for plant in plants]
)
def test_every_planted_defect_is_found_for_its_own_reason(
    reason: str, plant: Callable[[Trace], Trace], sound_pool: Callable[[int], list[Trace]]
) -> None:
    for trace in sound_pool(40):
        defect = judge(plant(trace), CONFIG).defect
        assert defect is not None
        assert defect.reason == reason


def test_no_sound_trace_is_dropped(sound_pool: Callable[[int], list[Trace]]) -> None:
    assert all(judge(trace, CONFIG).defect is None for trace in sound_pool(400))


@pytest.mark.parametrize(
    "text",
    [
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        " ".join(f"{i} + 1 = {i + 1}." for i in range(40)),
        "a < b and b > c, so a<b>c; x|y|z and [INSTANCE] and {think}",
        "No. No. No. Yes.",
        " + ".join([r"\frac{1}{8u}"] * 8),
        " ".join(f"Letter {i} is not an r." for i in range(30)),
        "0" * 200,
    ],
)
def test_what_only_looks_like_a_defect_passes(text: str, sound_pool: Callable[[int], list[Trace]]) -> None:
    assert judge(with_step(sound_pool(1)[0], text), CONFIG).defect is None


def test_raw_reasoning_passes_unless_told_otherwise(sound_pool: Callable[[int], list[Trace]]) -> None:
    raw = replace(sound_pool(1)[0], steps=(), reasoning="Add them up.")
    assert judge(raw, CONFIG).defect is None
    defect = judge(raw, CurationConfig(allow_unsegmented=False)).defect
    assert defect is not None
    assert defect.reason == "missing section"


def test_grader_is_asked_only_where_the_texts_differ(sound_pool: Callable[[int], list[Trace]]) -> None:
    asked: list[str] = []

    def grade(problem: Problem, answer: str) -> Grade:
        asked.append(answer)
        return Grade(verdict="correct" if answer == "7.0" else "wrong", grader="numeric", reason="differs")

    trace = replace(sound_pool(1)[0], is_correct=None)
    trace = replace(trace, answer="7", problem=replace(trace.problem, answer="7"))
    assert judge(trace, CONFIG, grade_answer=grade).is_verified
    assert judge(replace(trace, answer="7.0"), CONFIG, grade_answer=grade).is_verified
    wrong = judge(replace(trace, answer="8"), CONFIG, grade_answer=grade)
    assert wrong.defect is not None
    assert (wrong.defect.reason, wrong.defect.detail) == ("wrong answer", "numeric: differs")
    unknown = judge(replace(trace, answer="8"), CONFIG)
    assert (unknown.defect, unknown.is_verified) == (None, False)
    assert asked == ["7.0", "8"]


def test_tokens_are_counted_only_where_bytes_do_not_settle_it(sound_pool: Callable[[int], list[Trace]]) -> None:
    calls: list[str] = []

    def count(text: str) -> int:
        calls.append(text)
        return len(text.split())

    short, long = sound_pool(1)[0], with_step(sound_pool(1)[0], " ".join(f"w{i}" for i in range(500)))
    assert judge(short, CONFIG, count).defect is None
    assert calls == []
    assert judge(long, CONFIG, count).defect is None
    assert len(calls) == 1
    defect = judge(long, CurationConfig(max_tokens=400), count).defect
    assert defect is not None
    assert defect.reason == "too long"


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12, unique=True), st.integers(0, 5), st.integers(0, 5)
)
def test_any_block_repeated_long_enough_is_a_loop(block: list[str], before: int, after: int) -> None:
    copies = max(4, -(-(16 if len(block) > 2 else 24) // len(block)))
    head, tail = [f"head{i}" for i in range(before)], [f"tail{i}" for i in range(after)]
    assert repetition(" ".join([*head, *(block * copies), *tail])) is not None
    assert repetition(" ".join([*head, *block, *block, *tail])) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 0),
        ("max_tokens", 0),
        ("overlap_share", 0.0),
        ("difficulty_mix", (1.0, 1.0, 1.0)),
        ("quality_weight", -1.0),
    ],
)
def test_settings_that_cannot_be_meant_name_the_field(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        CurationConfig(**{field: value})  # type: ignore[arg-type]
