"""Rows as their publishers write them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.records import Origin, Problem, Trace, detect, read_records, reference_answer, to_problem, to_trace

DATA = Path(os.environ.get("WORKBENCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))

GSM8K = {
    "question": "48 clips, then half?",
    "answer": "She sold 48/2 = <<48/2=24>>24.\nIn all 48+24 = <<48+24=72>>72.\n#### 72",
}
MATH = {
    "problem": "Find $x$.", "level": "Level 5", "type": "Algebra",
    "solution": r"First \boxed{1}, but then $x = \boxed{\frac{1}{2}}$.",
}  # fmt: skip
S1K = {
    "question": "How many?", "solution": "181", "thinking_trajectories": ["Let me see.", "So 181."], "cot_type": "math",
    "attempt": r"Thus \boxed{181}", "source_type": "AI-MO/NuminaMath",
}  # fmt: skip
MESSAGES = {
    "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "<think>two and two</think>\nAnswer: 4"},
    ]
}  # fmt: skip
SHARE_GPT = {"conversations": [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}]}
CASES: list[tuple[str, Mapping[str, Any], str, str | None, str | None]] = [
    ("gsm8k", GSM8K, "72", "She sold 48/2 = 24.\nIn all 48+24 = 72.", "72"),
    ("math", MATH, r"\frac{1}{2}", MATH["solution"], r"\frac{1}{2}"),
    ("s1k", S1K, "181", "Let me see.\nSo 181.", "181"),
    ("messages", MESSAGES, "4", "two and two\nAnswer: 4", "4"),
    ("messages", SHARE_GPT, "4", None, "4"),
    ("prompt", {"prompt": "2 + 2?", "completion": "Add them.\nAnswer: 4"}, "4", "Add them.\nAnswer: 4", "4"),
    ("question", {"question": "2 + 2?", "answer": 4}, "4", None, "4"),
    ("question", {"input": "2 + 2?", "target": 43.0}, "43", None, "43"),
    ("question", {"Question": "2 + 2?", "Answer": "4", "solution": "Add."}, "4", "Add.", "4"),
]


@pytest.mark.parametrize(("shape", "row", "reference", "reasoning", "answer"), CASES)
def test_each_shape_gives_question_reference_and_reasoning(
    shape: str, row: Mapping[str, Any], reference: str, reasoning: str | None, answer: str
) -> None:
    assert detect(row) == shape
    trace = to_trace(row)
    assert trace.problem == to_problem(row)
    assert (trace.problem.answer, trace.reasoning, trace.answer) == (reference, reasoning, answer)
    assert trace.problem.question
    assert trace.is_correct is None
    assert trace.steps == ()


def test_what_a_record_has_no_place_for_stays_in_metadata() -> None:
    assert to_problem(MATH).metadata == {"level": "Level 5", "type": "Algebra"}
    assert to_problem(MESSAGES).metadata == {"system": "Be brief."}
    assert (to_problem(S1K).source, to_problem(S1K).domain) == ("AI-MO/NuminaMath", "math")


def test_earlier_turns_are_kept_as_history() -> None:
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "2 + 2?"), ("assistant", "4")]
    problem = to_problem({"messages": [{"role": role, "content": text} for role, text in turns]})
    assert problem.question == "2 + 2?"
    assert problem.metadata["history"] == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def test_content_parts_and_reasoning_content() -> None:
    parts = [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2?"}]
    reply = {"role": "assistant", "reasoning_content": "easy", "content": "4"}
    trace = to_trace({"messages": [{"role": "user", "content": parts}, reply]})
    assert (trace.problem.question, trace.reasoning, trace.answer) == ("2 + 2?", "easy\n4", "4")


def test_choices_are_kept_in_order() -> None:
    options = [[{"aoVal": "A", "content": "odd "}], [{"aoVal": "B", "content": "even"}]]
    row = {"problem": "1 + 1 is", "answer_option_list": options, "answer_value": "B", "answer_analysis": ["2 is even."]}
    trace = to_trace(row)
    assert (trace.problem.choices, trace.problem.answer, trace.reasoning) == (("odd", "even"), "B", "2 is even.")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{a{b}c} then \boxed{open", "a{b}c"),
        (r"\boxed{}", None),
        (r"\boxed 7.", "7"),
        (r"\fbox{3}", "3"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        ("so\n#### 1,200 ", "1,200"),
        ("**Answer:** 12", "12"),
        ("no answer here", None),
    ],
)
def test_reference_answer(text: str, answer: str | None) -> None:
    assert reference_answer(text) == answer


@given(st.text(alphabet="\\{}boxed 1#\n", max_size=40))
def test_reference_answer_never_fails_and_never_returns_blanks(text: str) -> None:
    found = reference_answer(text)
    assert found is None or found.strip() == found != ""


def test_ids_come_from_the_question_and_are_unique(tmp_path: Path) -> None:
    rows = pa.Table.from_pylist([GSM8K, GSM8K, {"question": "another", "answer": "#### 1"}])
    pq.write_table(rows, tmp_path / "rows.parquet")
    problems = list(read_records(tmp_path / "rows.parquet", Problem))
    assert [problem.id for problem in problems[:2]] == [to_problem(GSM8K).id, f"{to_problem(GSM8K).id}-2"]
    traces = list(read_records(tmp_path / "rows.parquet", Trace))
    assert [trace.sample for trace in traces] == [0, 1, 0]
    assert len({trace.id for trace in traces}) == 3
    assert traces[0].problem == traces[1].problem


def test_origin_overrides_what_the_file_does_not_say() -> None:
    problem = to_problem(GSM8K, Origin(source="Mine", domain="sums", license="mit"))
    assert (problem.source, problem.domain, problem.license) == ("Mine", "sums", "mit")
    assert problem.id.startswith("mine-")


@pytest.mark.parametrize(
    "row", [{"question": " ", "answer": "1"}, {"foo": "1"}, {}, {"messages": [{"role": "system"}]}, {"messages": [1]}]
)
def test_rows_that_cannot_be_meant_are_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        to_trace(row)


@pytest.mark.parametrize(
    ("name", "rows", "without_answer"), [("gsm8k/train.jsonl", 7_473, 0), ("math/train.jsonl", 7_500, 2)]
)
def test_published_files_import_with_every_row_accounted_for(name: str, rows: int, without_answer: int) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not here")
    reader = read_records(DATA / name, Trace)
    traces = list(reader)
    assert (len(traces), reader.rejected) == (rows, 0)
    assert len({trace.id for trace in traces}) == rows
    assert sum(trace.problem.answer is None for trace in traces) == without_answer
    assert not any("<<" in (trace.reasoning or "") for trace in traces if name.startswith("gsm8k"))
