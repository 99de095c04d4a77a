"""Both providers' own clients, over real sockets, against a server that misbehaves."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.teachers.conftest import INPUT_TOKENS, KEY, OUTPUT_TOKENS, sums
from workbench.errors import InputError, TeacherError
from workbench.records import Problem
from workbench.teachers import CallError, Price, TeacherConfig, open_teacher

PROVIDERS = ("openai", "anthropic")
PRICES = {"price_in": 1.0, "price_out": 5.0}


def teacher(server, provider: str, **settings):
    url = f"{server.url}/v1" if provider == "openai" else server.url
    config = TeacherConfig(base_url=url, timeout_s=settings.pop("timeout_s", 10.0), **PRICES, **settings)
    return open_teacher(f"{provider}:tiny", config)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_good_reply_becomes_steps_answer_tokens_and_provenance(server, provider):
    reply = teacher(server, provider).ask(sums(1)[0], 0)
    assert reply.outcome == "answered", reply.reason
    assert [step.role for step in reply.steps] == ["strategy", "tactic", "check"]
    assert reply.answer == "7"
    assert (reply.input_tokens, reply.output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert reply.teacher == f"{provider}:tiny"
    assert reply.model_version == "tiny-2026"
    assert reply.prompt_version.startswith("structured/")
    assert reply.created.startswith("20")
    assert reply.reasoning == ("a sum" if provider == "anthropic" else None)
    (body,) = server.bodies
    schema = body["response_format"]["json_schema"] if provider == "openai" else body["output_config"]["format"]
    assert set(schema["schema"]["required"]) == {"strategy", "steps", "check", "answer"}
    assert body["max_tokens"] == 4096
    assert "temperature" not in body
    assert {key.removeprefix("Bearer ") for key in server.keys} == {KEY}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "outcome", "said"),
    [
        ("malformed", "malformed", "not the JSON that was asked for"),
        ("schema", "malformed", "strategy"),
        ("length", "cut off", "raise --max-tokens"),
        ("refusal", "refused", "cannot help"),
        ("html", "malformed", "no"),
        ("fence", "answered", ""),
    ],
)
def test_what_is_no_answer_is_an_outcome_with_its_reason(server, provider, fault, outcome, said):
    reply = teacher(server, provider).ask(sums(1, fault)[0], 0)
    assert (reply.outcome, said in reply.reason) == (outcome, True), reply
    assert "\n" not in reply.reason
    assert KEY not in repr(reply)
    if fault == "html":
        assert reply.output_tokens is None
    else:
        assert reply.output_tokens == OUTPUT_TOKENS


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "kind", "retry", "billed"),
    [
        ("401", "status 401", False, False),
        ("404", "status 404", False, False),
        ("429", "status 429", True, False),
        ("quota", "status 429", False, False),
        ("500", "status 500", True, False),
        ("529", "status 529", True, False),
        ("504", "status 504", True, True),
        ("hang", "time-out", True, True),
        ("cut", "connection", True, True),
    ],
)
def test_what_gives_no_reply_says_whether_to_try_again_and_whether_it_may_cost(
    server, provider, fault, kind, retry, billed
):
    asked = teacher(server, provider, timeout_s=0.5)
    with pytest.raises(CallError) as caught:
        asked.ask(sums(1, fault)[0], 0)
    error = caught.value
    assert (error.kind, error.retry, error.may_be_billed) == (kind, retry, billed), error.reason
    assert KEY not in error.reason
    assert "\n" not in error.reason
    assert error.wait_s == (1.0 if fault == "429" else None)
    assert server.asked.total() == 1, "the clients' own retries would not be in the ledger"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_that_is_not_there_costs_nothing(provider):
    url = "http://127.0.0.1:9/v1"
    asked = open_teacher(f"{provider}:tiny", TeacherConfig(base_url=url, free=True))
    with pytest.raises(CallError, match="no connection") as caught:
        asked.ask(sums(1)[0], 0)
    assert not caught.value.may_be_billed


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_without_structured_output_is_asked_in_words_alone(server, provider):
    server.always = "unstructured"
    asked = teacher(server, provider)
    problem, other = sums(2)
    with pytest.raises(CallError) as caught:
        asked.ask(problem, 0)
    assert caught.value.retry
    assert caught.value.wait_s == 0
    assert asked.ask(problem, 0).answer == "7"
    assert asked.ask(other, 0).answer == "8"
    assert server.asked.total() == 3


def test_retry_after_may_be_a_date():
    from workbench.teachers.transport import retry_after

    assert retry_after({"retry-after": "2.5"}) == 2.5
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    assert 25 < (retry_after({"retry-after": later}) or 0) <= 30
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_the_worst_case_covers_every_byte_that_is_sent(server):
    asked = teacher(server, "openai", max_tokens=50)
    problem = Problem(id="1", question="was ist 3 + 4? " + "ßüöä漢字" * 40, choices=("7", "8"))
    asked.ask(problem, 0)
    sent = sum(len(message["content"].encode()) for message in server.bodies[0]["messages"])
    most = asked.most(problem)
    assert most.input > sent + len(str(server.bodies[0]["response_format"]["json_schema"]["schema"]))
    assert most.output == 50 == server.bodies[0]["max_tokens"]


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("gpt-6-luna", {}, "no teacher 'gpt-6-luna'; there are worked, replay:FILE"),
        ("openai:", {}, "no teacher"),
        ("replay:missing.jsonl", {}, "missing.jsonl does not exist"),
        ("openai:new-model", {}, "price of openai:new-model is not known"),
        ("openai:gpt-6-luna", {"base_url": "http://elsewhere/v1"}, "at this address is not known"),
        ("openai:x", {"price_in": 1.0}, "both --price-in and --price-out"),
        ("openai:x", {"price_in": 1.0, "price_out": 1.0, "free": True}, "exclude one another"),
        ("openai:x", {"price_in": -1.0, "price_out": 1.0}, "use 0 or more"),
        ("openai:x", {"base_url": "elsewhere"}, "is no base URL"),
        ("openai:x", {"base_url": f"https://me:{KEY}@host/v1"}, "holds a name, key or query"),
        ("openai:x", {"base_url": f"https://host/v1?key={KEY}"}, "holds a name, key or query"),
        ("openai:x", {"max_tokens": 0}, "must be above 0"),
    ],
)
def test_what_cannot_be_opened_is_one_line_with_the_fix(name, settings, said):
    with pytest.raises(InputError) as caught:
        open_teacher(name, TeacherConfig(**settings))
    assert said in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "", "/v1beta/openai/", "/api/v1"],
    ids=["vLLM, Ollama", "slash", "DeepSeek", "Gemini", "OpenRouter"],
)
def test_servers_of_the_protocol_are_found_under_their_own_paths(server, path):
    config = TeacherConfig(base_url=f"{server.url}{path}", free=True)
    assert open_teacher("openai:some/model:8b", config).ask(sums(1)[0], 0).answer == "7"
    assert server.paths == {f"{path.rstrip('/')}/chat/completions"}
    assert server.bodies[0]["model"] == "some/model:8b"


def test_a_missing_key_is_named_and_an_estimate_needs_none(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(TeacherError, match="OPENAI_API_KEY"):
        open_teacher("openai:gpt-6-luna")
    with pytest.raises(TeacherError, match="MY_KEY"):
        open_teacher("anthropic:claude-haiku-5-5", TeacherConfig(key_variable="MY_KEY"))
    assert open_teacher("openai:gpt-6-luna", asks=False).price == Price(0.10, 0.50)


def test_the_official_address_takes_its_own_name_for_the_limit(server):
    assert open_teacher("openai:gpt-6-luna").is_official
    asked = replace(teacher(server, "openai"), is_official=True)
    assert asked.ask(sums(1)[0], 0).outcome == "answered"
    assert server.bodies[0]["max_completion_tokens"] == 4096
    assert "max_tokens" not in server.bodies[0]


def test_a_key_shows_itself_nowhere():
    asked = open_teacher("openai:gpt-6-luna")
    assert KEY not in repr(asked)
    assert KEY not in asked.identity
