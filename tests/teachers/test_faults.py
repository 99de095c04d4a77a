"""Servers that behave worse than any provider: whatever they do is an outcome, bounded in money, time and memory."""

from __future__ import annotations

import resource
import time
from email.utils import formatdate

import pytest

from tests.teachers.conftest import BODIES, INPUT_TOKENS, KEY, OUTPUT_TOKENS, RAW, FaultyServer, running, sums
from workbench.errors import TeacherError
from workbench.records import Trace, read_records
from workbench.teachers import CallError, CollectConfig, TeacherConfig, collect, open_teacher
from workbench.teachers.pacing import Pace

PROVIDERS = ("openai", "anthropic")


def teacher(server, provider: str = "openai", **settings):
    url = f"{server.url}/v1" if provider == "openai" else server.url
    settings = {"timeout_s": 5.0, "max_tokens": 200, "price_in": 1.0, "price_out": 5.0, **settings}
    return open_teacher(f"{provider}:tiny", TeacherConfig(base_url=url, **settings))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", [*sorted(set(BODIES) - {"gzip-garbage", "bomb"}), "empty", "null"])
def test_replies_that_are_none_are_malformed(server, provider, fault):
    reply = teacher(server, provider).ask(sums(1, fault)[0], 0)
    assert reply.outcome == "malformed", reply
    assert reply.reason
    assert "\n" not in reply.reason
    billed = (INPUT_TOKENS, OUTPUT_TOKENS) if fault in ("empty", "null") else (None, None)
    assert (reply.input_tokens, reply.output_tokens) == billed, "what it says of its cost counts all the same"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["lie", "negative", "nan", "words", "no-usage"])
def test_numbers_of_tokens_that_cannot_be_are_not_believed(server, provider, fault):
    reply = teacher(server, provider).ask(sums(1, fault)[0], 0)
    assert reply.outcome == "answered"
    assert None in (reply.input_tokens, reply.output_tokens), "the worst case counts where either is unknown"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "kind", "retry"),
    [("gzip-garbage", "connection", True), ("vanish", "connection", True), ("bomb", "flood", False)],
)
def test_what_breaks_off_or_never_ends_may_have_been_billed(server, provider, fault, kind, retry):
    with pytest.raises(CallError) as caught:
        teacher(server, provider).ask(sums(1, fault)[0], 0)
    error = caught.value
    assert (error.kind, error.retry, error.may_be_billed) == (kind, retry, True), error.reason


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_body_without_an_end_takes_neither_memory_nor_time(server, provider):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CallError, match="more than 8,000,000 bytes") as caught:
        teacher(server, provider).ask(sums(1, "flood")[0], 0)
    assert not caught.value.retry
    time.sleep(0.1)
    assert server.flooded < 100_000_000, "the connection is closed"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_drip_ends_within_three_time_outs_and_its_thread_with_it(server, provider):
    started = time.monotonic()
    with pytest.raises(CallError) as caught:
        teacher(server, provider, timeout_s=0.3).ask(sums(1, "drip")[0], 0)
    assert time.monotonic() - started < 3
    assert (caught.value.kind, caught.value.may_be_billed) == ("time-out", True)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_redirect_is_not_followed_and_the_key_stays_here(server, provider):
    with running(FaultyServer()) as other:
        server.elsewhere = other.url
        with pytest.raises(CallError, match=f"redirected to {other.url}/v1/.*give that as the base URL") as caught:
            teacher(server, provider).ask(sums(1, "redirect")[0], 0)
    assert not caught.value.retry
    assert not other.keys
    assert server.keys


def test_json_under_another_content_type_is_an_answer_that_was_paid_for(server):
    for provider in PROVIDERS:
        assert teacher(server, provider).ask(sums(1, "plain")[0], 0).answer == "7"
    assert teacher(server).ask(sums(1, "parts")[0], 0).answer == "7", "a message in parts"
    assert teacher(server).ask(sums(1, "thoughts")[0], 0).reasoning == "a sum", (
        "thoughts as vLLM and DeepSeek send them"
    )


@pytest.mark.parametrize(("code", "retry"), [(429, True), (502, True), (402, False), (None, True)])
def test_an_error_inside_a_good_status_is_an_error(server, monkeypatch, code, retry):
    body = b'{"id": "x", "error": {"message": "upstream failed", "code": %s}}' % (str(code or "null").encode())
    monkeypatch.setitem(BODIES, "inside", (body, "application/json"))
    with pytest.raises(CallError, match="upstream failed") as caught:
        teacher(server).ask(sums(1, "inside")[0], 0)
    assert (caught.value.retry, caught.value.may_be_billed) == (retry, True)


def test_all_of_them_in_one_collection_leave_one_outcome_each(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    faults = [*BODIES, "empty", "null", "lie", "negative", "nan", "words", "no-usage", "plain", "vanishx1", "flood",
              "redirect", "malformed", "schema", "length", "refusal", "cutx1", "500x1", "hangx1"]  # fmt: skip
    mixed = [problem for place, fault in enumerate(faults) for problem in (*sums(1, fault), sums(99)[place])]
    started = time.monotonic()
    collected = collect(
        mixed, teacher(server, timeout_s=1.0), out, CollectConfig(max_cost_usd=1.0, attempts=2, concurrency=4)
    )
    assert time.monotonic() - started < 60
    assert collected.traces + collected.unanswered.total() == len(mixed)
    answered = {trace.problem.id for trace in read_records(out, Trace)}
    assert answered >= {problem.id for problem in sums(len(faults))}, "a bad reply harms no other"
    assert answered >= {f"{fault}0" for fault in ("lie", "nan", "plain", "vanishx1", "cutx1", "500x1", "hangx1")}
    assert server.billed.total() * (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 5.0) / 1e6 <= collected.spent_usd < 1.0


def test_a_server_that_bills_more_than_it_was_allowed_is_reserved_for_from_then_on(server, tmp_path):
    """5,000 tokens where 200 were asked for: $0.02512 a call, where $0.0032 was its worst case."""
    server.always = "over"
    cap, one = 0.2, (INPUT_TOKENS * 1.0 + 5_000 * 5.0) / 1e6
    collected = collect(sums(40), teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=cap, concurrency=2))
    assert "could pass --max-cost" in collected.stopped
    assert server.billed.total() * one == pytest.approx(collected.spent_usd)
    assert cap - 2 * one < collected.spent_usd <= cap


def test_retry_after_as_a_date_is_waited_for(server, tmp_path):
    server.retry_after = formatdate(time.time() + 3, usegmt=True)
    started = time.monotonic()
    collected = collect(sums(1, "429x1"), teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0))
    assert collected.traces == 1
    assert 1.5 < time.monotonic() - started < 20


@pytest.mark.parametrize("fault", RAW)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_is_no_http_is_tried_again_counts_as_spent_and_shows_no_key(server, tmp_path, fault, api):
    asked = teacher(server, timeout_s=0.5, api=api)
    problems = [*sums(1, fault), *sums(3)]
    collected = collect(problems, asked, tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0, attempts=2))
    assert (collected.traces, collected.calls, dict(collected.unanswered)) == (3, 5, {"failed": 1})
    worst = asked.price.cost(asked.most(problems[0]).input, asked.most(problems[0]).output)
    known = asked.price.cost(INPUT_TOKENS, OUTPUT_TOKENS)
    assert collected.spent_usd == pytest.approx((2 * worst + 3 * known) / 1e9)
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.iterdir())


def test_a_redirect_to_itself_is_not_followed(server, tmp_path):
    server.always = "redirect"
    with pytest.raises(TeacherError, match="redirected to"):
        collect(sums(20), teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0, concurrency=1))
    assert server.asked.total() == 5, "all fail alike"


@pytest.mark.parametrize(
    "value", ["sp\u00e4ter \u00ff", "", "soon;;", "-3", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "1e400"]
)
def test_a_retry_after_that_says_nothing_is_tried_again_all_the_same(server, tmp_path, value):
    server.retry_after = value
    config = CollectConfig(max_cost_usd=1.0, attempts=3)
    collected = collect(sums(2, "429x1"), teacher(server), tmp_path / "t.jsonl", config)
    assert (collected.traces, collected.calls) == (2, 4)


def test_a_retry_after_of_a_year_is_not_waited_for(server, tmp_path):
    server.retry_after = "31536000"
    started = time.monotonic()
    collected = collect(
        [*sums(1, "429"), *sums(3)], teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0)
    )
    assert (collected.traces, collected.unanswered["failed"]) == (3, 1)
    assert time.monotonic() - started < 10
    assert "asks to wait 31,536,000 s" in collected.unanswered_path.read_text()


def test_a_full_server_is_asked_by_half_as_many_each_round_trip_and_by_one_more_when_it_answers():
    pace, now = Pace(16), time.monotonic()
    busy = CallError("busy", kind="status 429", retry=True)
    for _ in range(16):
        pace.failed(busy, now)
    assert pace.limit == 8, "calls of one round trip are one sign"
    pace.failed(busy, time.monotonic())
    assert pace.limit == 4
    for _ in range(5):
        pace.replied()
    assert pace.limit == 5
    pace.failed(CallError("hang", kind="time-out", retry=True), time.monotonic())
    assert pace.limit == 5
    for _ in range(500):
        pace.replied()
    assert pace.limit == 16


def test_a_key_that_a_complaint_would_cut_in_half_is_hidden_whole(server, monkeypatch):
    """Reasons are cut to one short line; a key across the cut must not leave its first half."""
    for lead in range(110, 165, 3):
        body = b'{"error": {"message": "%s %s is no key"}}' % (b"x" * lead, KEY.encode())
        monkeypatch.setitem(BODIES, "inside", (body, "application/json"))
        with pytest.raises(CallError) as caught:
            teacher(server).ask(sums(1, "inside")[0], 0)
        assert KEY[:8] not in caught.value.reason


def test_a_cap_of_one_cent_against_a_server_that_says_nothing_of_its_cost(server, tmp_path):
    server.always = "no-usage"
    asked = teacher(server)
    worst = asked.price.cost(asked.most(sums(1)[0]).input, 200) / 1e9
    collected = collect(sums(60), asked, tmp_path / "t.jsonl", CollectConfig(max_cost_usd=0.01))
    assert server.billed.total() == int(0.01 / worst)
    assert collected.spent_usd <= 0.01


def test_a_cut_off_key_line_in_an_early_end_names_no_key(server, tmp_path):
    server.always = "401"
    with pytest.raises(TeacherError) as caught:
        collect(sums(3), teacher(server), tmp_path / "t.jsonl", CollectConfig(max_cost_usd=1.0))
    assert KEY[:8] not in str(caught.value)
    assert "[key]" in str(caught.value)
