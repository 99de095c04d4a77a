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
from workbench.records import (
    Origin,
    Problem,
    Trace,
    describe,
    detect,
    read_records,
    reference_answer,
    to_problem,
    to_trace,
    to_traces,
)

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
    ("messages", MESSAGES, "4", "two and two\n\nAnswer: 4", "4"),
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


R1 = "<think>\nAdd two and two.\n\nWait, check it.\n</think>\n\nThe sum is $\\boxed{4}$."
PUBLISHED: list[tuple[str, Mapping[str, Any], str, list[tuple[str, str | None, str | None, str]]]] = [
    (
        "s1k",  # s1K-1.1: two teachers
        {"question": "2 + 2?", "solution": "4", "cot_type": "math", "source_type": "x", "metadata": "{}",
         "gemini_thinking_trajectory": "Two and two.", "gemini_attempt": "Answer: 5",
         "deepseek_thinking_trajectory": "Add.", "deepseek_attempt": r"\boxed{4}", "deepseek_grade": "Yes"},
        "4",
        [("deepseek", "Add.", "4", "stop"), ("gemini", "Two and two.", "5", "stop")],
    ),
    (
        "limo",
        {"question": "2 + 2?", "solution": r"Add them, so **Final Answer** \boxed{4}", "answer": "4"},
        "4",
        [("reference", r"Add them, so **Final Answer** \boxed{4}", "4", "stop")],
    ),
    (
        "messages",  # OpenThoughts-114k, default configuration
        {"system": "Your role is …", "conversations": [
            {"from": "user", "value": "2 + 2?"},
            {"from": "assistant", "value": "<|begin_of_thought|>\n\nAdd.\n\n<|end_of_thought|>\n\n"
             "<|begin_of_solution|>\n\nIt is \\boxed{4}.\n\n<|end_of_solution|>"}]},
        "4",
        [("reference", "Add.\n\nIt is \\boxed{4}.", "4", "stop")],
    ),
    (
        "openthoughts",  # OpenThoughts-114k, metadata configuration
        {"problem": "2 + 2?", "deepseek_reasoning": "Add.", "deepseek_solution": r"It is \boxed{5}.",
         "ground_truth_solution": r"$\boxed{4}$", "domain": "math", "source": "numina"},
        "4",
        [("deepseek", "Add.\n\nIt is \\boxed{5}.", "5", "stop")],
    ),
    (
        "openr1",
        {"problem": "2 + 2?", "solution": "Obvious.", "answer": "4", "generations": [R1, "<think>\nHm, two and"],
         "is_reasoning_complete": [True, False], "correctness_math_verify": [True, False],
         "messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": R1}]},
        "4",
        [("reference", "Add two and two.\n\nWait, check it.\n\nThe sum is $\\boxed{4}$.", "4", "stop"),
         ("reference", "Hm, two and", None, "length")],
    ),
    (
        "knights-and-knaves",
        {"quiz": "Who is a knight?", "cot_head": "Step by step.", "cot_repeat_steps": ["Assume Al is.", "Then Bo is."],
         "cot_foot": "It fits.", "solution_text": "Al and Bo are knights.", "solution": [True, True],
         "prompt": [{"role": "user", "content": "<|im_start|>system"}]},
        "Al and Bo are knights.",
        [("reference", "Step by step.\nAssume Al is.\nThen Bo is.\nIt fits.", "Al and Bo are knights.", "stop")],
    ),
    (
        "theoremqa",
        {"Question": "Ordered parts?", "Answer": [4.0, 2], "Answer_type": "list of integer", "Picture": None,
         "source": "self", "id": "x/y.json", "explanation": "NONE", "theorem": "lah number", "field": "Math"},
        "[4, 2]",
        [("reference", None, "[4, 2]", "stop")],
    ),
    (
        "thinking",  # what Ollama logs of a call
        {"question": "2 + 2?", "answer": "4", "thinking": "Add.", "content": "Answer: 4", "done_reason": "length",
         "eval_count": 9, "prompt_eval_count": 3},
        "4",
        [("reference", "Add.\n\nAnswer: 4", "4", "length")],
    ),
    (
        "messages",  # TRL's conversational prompt and completion
        {"prompt": [{"role": "user", "content": "2 + 2?"}], "completion": [{"role": "assistant", "content": R1}]},
        "4",
        [("reference", "Add two and two.\n\nWait, check it.\n\nThe sum is $\\boxed{4}$.", "4", "stop")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "row", "reference", "drafts"), PUBLISHED)
def test_published_shapes_give_every_solution_they_offer(
    shape: str, row: Mapping[str, Any], reference: str, drafts: list[tuple[str, str | None, str | None, str]]
) -> None:
    assert detect(row) == describe(row).name == shape
    traces = to_traces(row)
    assert [(trace.teacher, trace.reasoning, trace.answer, trace.finish_reason) for trace in traces] == drafts
    assert all(trace.problem == to_problem(row) for trace in traces)
    assert traces[0].problem.answer == reference
    assert [trace.sample for trace in traces] == list(range(len(drafts)))
    assert len({trace.id for trace in traces}) == len(drafts)


def test_nothing_that_a_row_says_is_lost() -> None:
    for _, row, _, _ in PUBLISHED:
        trace, shape = to_traces(row)[0], describe(row)
        kept = shape.fields.keys() | trace.problem.metadata.keys()
        assert {key for key in row if row[key] is not None} <= kept, row


def test_a_question_with_a_picture_is_refused() -> None:
    row = {"Question": "What is shown?", "Answer": 1, "theorem": "x", "Picture": "images/a.png"}
    with pytest.raises(InputError, match="needs a picture"):
        to_problem(row)


MAPPED = {"stem": "2 + 2?", "doc": {"text": "Add.", "n": [7, 4]}, "answer": "wrong column", "topic": "sums", "key": 12}


def test_a_map_overrides_what_would_be_recognised() -> None:
    fields = {"question": "stem", "solution": "doc.text", "answer": "doc.n.1", "domain": "topic", "id": "key"}
    trace = to_trace(MAPPED, fields=fields)
    problem = trace.problem
    assert (problem.id, problem.question, problem.answer, problem.domain) == ("12", "2 + 2?", "4", "sums")
    assert (trace.reasoning, trace.answer) == ("Add.", "4")
    assert problem.metadata == {"answer (unused)": "wrong column", "doc": MAPPED["doc"]}
    shape = describe(MAPPED, fields)
    assert shape.name == "mapped"
    assert shape.fields == {
        "stem": "question", "doc.text": "solution", "doc.n.1": "answer", "topic": "domain", "key": "id",
    }  # fmt: skip


def test_a_map_of_one_field_leaves_the_others_to_be_recognised() -> None:
    assert to_trace(GSM8K | {"topic": "sums"}, fields={"domain": "topic"}).problem.domain == "sums"
    trace = to_trace(
        {"problem": "not this", "exercise": "2 + 2?", "solution": r"\boxed{4}"}, fields={"question": "exercise"}
    )
    assert (trace.problem.question, trace.answer) == ("2 + 2?", "4")
    assert trace.problem.metadata == {"problem": "not this"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": "stam"}, "no field 'stam'; the row has stem, doc, answer, topic, key"),
        ({"question": "doc.txt"}, "no field 'doc.txt'"),
        ({"question": "doc"}, "the question is no text but dict"),
        ({"answer": "stem"}, "no known shape"),
    ],
)
def test_a_map_that_does_not_fit_names_the_fields_there_are(fields: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_trace(MAPPED, fields=fields)


def test_what_other_rooms_read_from_metadata_is_not_taken_from_strangers() -> None:
    row = {"question": "2 + 2?", "answer": "4", "answer_type": "Numerical", "options": "A, B", "constraints": "none"}
    metadata = to_problem(row).metadata
    assert metadata == {
        "answer_type (source)": "Numerical", "options (source)": "A, B", "constraints (source)": "none",
    }  # fmt: skip
    assert to_problem({"question": "2 + 2?", "answer_type": "number"}).metadata == {"answer_type": "number"}


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
    assert (trace.problem.question, trace.reasoning, trace.answer) == ("2 + 2?", "easy\n\n4", "4")


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
