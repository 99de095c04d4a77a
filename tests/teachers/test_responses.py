"""OpenAI's Responses API, through the official client, against a server on this computer that speaks it."""

from __future__ import annotations

import sqlite3

import pytest

from tests.teachers.batch_server import BatchServer
from tests.teachers.conftest import BODIES, INPUT_TOKENS, KEY, OUTPUT_TOKENS, running, sums
from workbench.errors import InputError
from workbench.records import Trace, read_records
from workbench.teachers import CallError, CollectConfig, TeacherConfig, collect, ledger_path, open_teacher

THOUGHTS = "a sum\n\nchecked twice"


def teacher(server, **settings):
    config = TeacherConfig(
        api="responses", base_url=f"{server.url}/v1", timeout_s=5.0, price_in=1.0, price_out=5.0, max_tokens=200,
        **settings,
    )  # fmt: skip
    return open_teacher("openai:tiny", config)


def test_structure_and_summaries_are_asked_for_and_kept(server):
    reply = teacher(server).ask(sums(1)[0], 0)
    assert (reply.outcome, reply.answer, reply.reasoning) == ("answered", "7", THOUGHTS)
    assert [step.role for step in reply.steps] == ["strategy", "tactic", "check"]
    assert (reply.input_tokens, reply.output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert (reply.teacher, reply.model_version) == ("openai:tiny", "tiny-2026")
    assert server.paths == {"/v1/responses"}
    (body,) = server.bodies
    assert body["text"]["format"]["strict"]
    assert set(body["text"]["format"]["schema"]["required"]) == {"strategy", "steps", "check", "answer"}
    assert (body["max_output_tokens"], body["store"], body["reasoning"]) == (200, False, {"summary": "auto"})
    assert not {"temperature", "messages", "response_format"} & set(body)


@pytest.mark.parametrize(
    ("fault", "outcome", "said"),
    [
        ("malformed", "malformed", "not the JSON that was asked for"),
        ("schema", "malformed", "strategy"),
        ("length", "cut off", "raise --max-tokens"),
        ("filtered", "refused", ""),
        ("refusal", "refused", "cannot help"),
        ("empty", "malformed", "not the JSON"),
        ("null", "malformed", "no openai reply"),
        *((body, "malformed", "") for body in BODIES if body not in ("bomb", "gzip-garbage")),
    ],
)
def test_what_is_no_answer_is_an_outcome_with_its_reason(server, fault, outcome, said):
    reply = teacher(server).ask(sums(1, fault)[0], 0)
    assert (reply.outcome, said in reply.reason) == (outcome, True), reply
    assert reply.reason
    assert "\n" not in reply.reason
    assert KEY not in repr(reply)


def test_a_reply_that_failed_is_tried_again_and_may_be_billed(server):
    with pytest.raises(CallError, match="upstream failed") as caught:
        teacher(server).ask(sums(1, "failed")[0], 0)
    assert (caught.value.kind, caught.value.retry, caught.value.may_be_billed) == ("status 500", True, True)


@pytest.mark.parametrize(("fault", "left_out"), [("thoughtless", "reasoning"), ("unstructured", "text")])
def test_what_a_model_does_not_take_is_left_out_from_then_on(server, tmp_path, fault, left_out):
    collected = collect(
        sums(8, fault), teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0, concurrency=1)
    )
    assert (collected.traces, collected.calls) == (8, 9), "one was turned away"
    assert [left_out in body for body in server.bodies] == [True] + [False] * 8


def test_summaries_are_in_the_trace_and_usage_that_cannot_be_costs_the_worst_case(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    problems = [*sums(5), *sums(1, "lie"), *sums(1, "no-usage"), *sums(1, "negative"), *sums(1, "nan")]
    collected = collect(problems, teacher(server), out, CollectConfig(max_cost_usd=1.0))
    traces = list(read_records(out, Trace))
    assert (len(traces), collected.correct) == (9, 9)
    assert {trace.reasoning for trace in traces} == {THOUGHTS}
    with sqlite3.connect(ledger_path(out)) as ledger:
        rows = ledger.execute("SELECT problem_id, cost_nano_usd, reserved_nano_usd, teacher FROM calls").fetchall()
    known = (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 5.0) * 1_000
    assert [cost for name, cost, _, _ in rows if name.isdigit()] == [known] * 5
    assert all(cost == most for name, cost, most, _ in rows if not name.isdigit())
    assert {teacher.endswith("Responses API") for *_, teacher in rows} == {True}


def test_a_batch_of_responses(tmp_path):
    out = tmp_path / "traces.jsonl"
    with running(BatchServer()) as server:
        asked = teacher(server, batch=True)
        collected = collect([*sums(6), *sums(1, "structured")], asked, out, CollectConfig(max_cost_usd=1.0))
        lines = b"".join(server.files.values()).decode()
        assert server.created == 2, "the one that was turned away goes into another, without structure"
    assert collected.traces == 7
    assert '"url": "/v1/responses"' in lines
    assert {trace.reasoning for trace in read_records(out, Trace)} == {THOUGHTS}


def test_the_option_is_for_the_provider_that_has_it():
    with pytest.raises(InputError, match="--api responses is for openai:MODEL"):
        open_teacher("anthropic:tiny", TeacherConfig(api="responses", free=True), asks=False)
