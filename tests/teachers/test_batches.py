"""The providers' batch APIs behind the same verb: half the price, one outcome each, nothing sent twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.teachers.batch_server import BatchServer
from tests.teachers.conftest import INPUT_TOKENS, KEY, OUTPUT_TOKENS, running, sums
from workbench.errors import InputError, TeacherError
from workbench.records import Trace, read_records, write_records
from workbench.teachers import (
    CollectConfig,
    Price,
    TeacherConfig,
    batching,
    collect,
    ledger_path,
    open_teacher,
    unanswered_path,
)

ONE_CALL = (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 5.0) / 1_000_000
PROVIDERS = ("openai", "anthropic")


@pytest.fixture
def server():
    with running(BatchServer()) as found:
        yield found


def teacher(server, provider: str, **settings):
    url = f"{server.url}/v1" if provider == "openai" else server.url
    settings = {"timeout_s": 5.0, "max_tokens": 200, "price_in": 1.0, "price_out": 5.0, "batch": True, **settings}
    return open_teacher(f"{provider}:tiny", TeacherConfig(base_url=url, **settings))


def run(server, provider, out, problems, *, max_cost=1.0, settings=None, **config):
    said: list[str] = []
    asked = teacher(server, provider, **(settings or {}))
    collected = collect(problems, asked, out, CollectConfig(max_cost_usd=max_cost, **config), say=said.append)
    return collected, said


def states(out) -> dict[str, list[tuple[str, bool, bool]]]:
    """Of each problem's calls, in order: the outcome, whether it is free, whether it counts at its worst case."""
    data = sqlite3.connect(ledger_path(out))
    rows = data.execute("SELECT problem_id, state, cost_nano_usd = 0, cost_nano_usd = reserved_nano_usd FROM calls")
    found: dict[str, list] = {}
    for name, state, is_free, is_worst in rows:
        found.setdefault(name, []).append((state, bool(is_free), bool(is_worst)))
    data.close()
    return found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_request_of_a_batch_has_its_outcome_and_its_cost(server, provider, tmp_path):
    out = tmp_path / "traces.jsonl"
    faults = ["malformed", "refusal", "length", "wrong", "error", "drop", "expire", "cancel", "empty", "lie"]
    problems = [*sums(5), *(problem for fault in faults for problem in sums(1, fault))]
    collected, said = run(server, provider, out, problems)
    assert collected.traces + collected.unanswered.total() == len(problems)
    traces = {trace.problem.id: trace for trace in read_records(out, Trace)}
    assert set(traces) == {*(str(i) for i in range(5)), "wrong0", "lie0"}
    assert (collected.correct, collected.wrong) == (6, 1)
    assert traces["0"].teacher == f"{provider}:tiny"
    assert traces["0"].model_version == "tiny-2026"
    assert traces["0"].created.startswith("20")
    found = states(out)
    assert found["0"] == [("answered", False, False)]
    assert found["lie0"] == [("answered", False, True)], "absurd usage counts at the worst case"
    assert found["error0"][0] == ("failed", True, False)
    assert found["drop0"][0] == ("failed", False, True), "nobody knows what became of it"
    assert found["expire0"] == [("failed", True, False)] * batching.ROUNDS, "what passes is tried again"
    rows = {row["problem_id"]: row for row in map(json.loads, unanswered_path(out).read_text().splitlines())}
    assert rows["malformed0"]["outcome"] == "malformed"
    assert rows["refusal0"]["outcome"] == "refused"
    assert rows["length0"]["outcome"] == "cut off"
    assert "no result" in rows["drop0"]["reason"]
    assert "15 calls are batch batch_1" in said[1]
    assert server.billed.total() * ONE_CALL <= collected.spent_usd < 1.0
    again, _ = run(server, provider, out, sums(5))
    assert (again.calls, again.traces) == (0, 5)


def test_a_batch_costs_half_of_what_is_listed_and_what_is_given_counts_as_given():
    assert open_teacher("openai:gpt-6-luna", TeacherConfig(batch=True), asks=False).price == Price(0.05, 0.25)
    assert open_teacher("anthropic:claude-haiku-5-5", TeacherConfig(batch=True), asks=False).price == Price(0.05, 0.25)
    given = TeacherConfig(batch=True, price_in=1.0, price_out=2.0)
    assert open_teacher("openai:gpt-6-luna", given, asks=False).price == Price(1.0, 2.0)
    with pytest.raises(InputError, match="--batch is for teachers behind an API, and worked is none"):
        open_teacher("worked", TeacherConfig(batch=True))


def test_answers_by_batch_and_by_call_are_the_same_answers(server, tmp_path):
    """The way they were asked is no part of the teacher's identity: nothing is paid for again."""
    out = tmp_path / "traces.jsonl"
    run(server, "openai", out, sums(3))
    again, _ = run(server, "openai", out, sums(3), settings={"batch": False})
    assert (again.traces, again.calls) == (3, 0)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("late", [False, True], ids=["accepted", "acceptance not heard of"])
def test_killed_while_a_batch_is_out_the_next_run_fetches_it_and_sends_nothing(server, provider, late, tmp_path):
    server.is_held = True
    server.faults = ([] if provider == "anthropic" else [""]) + ["late"] if late else []
    write_records(tmp_path / "q.jsonl", sums(200))
    url = f"{server.url}/v1" if provider == "openai" else server.url
    command = [sys.executable, "-m", "workbench", "collect", "--problems", "q.jsonl", "--teacher", f"{provider}:tiny",
               "--out", "t.jsonl", "--base-url", url, "--price-in", "1", "--price-out", "5", "--max-cost", "1",
               "--max-tokens", "200", "--batch", "--json"]  # fmt: skip
    for _ in range(3):
        before = server.polls
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 30
            while not server.created or (server.polls == before and not late):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        late = False  # from the second run on it is known, and looked at
    server.release()
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["traces"], found["correct"]) == (200, 200)
    assert server.created == 1, "it was never sent twice"
    assert server.billed.total() == 200
    assert found["spent_usd"] == pytest.approx(200 * ONE_CALL)
    assert set(map(tuple, states(tmp_path / "t.jsonl").values())) == {(("answered", False, False),)}
    assert any(KEY in key for key in server.keys)
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ctrl_c_while_a_batch_is_out_says_that_it_goes_on(server, provider, tmp_path):
    server.is_held = True
    write_records(tmp_path / "q.jsonl", sums(3))
    url = f"{server.url}/v1" if provider == "openai" else server.url
    command = [sys.executable, "-m", "workbench", "collect", "--problems", "q.jsonl", "--teacher", f"{provider}:tiny",
               "--out", "t.jsonl", "--base-url", url, "--free", "--batch"]  # fmt: skip
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        while not server.polls:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the batch goes on at the provider" in said
    assert "Traceback" not in said
    with pytest.raises(InputError, match="1 batches of an earlier run are not fetched yet; give --batch"):
        run(server, provider, tmp_path / "t.jsonl", sums(3), settings={"batch": False})
    server.release()
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(3))
    assert (collected.traces, server.created) == (3, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["hang", "500", "cut", "html"])
def test_a_batch_that_was_never_accepted_is_sent_again(server, provider, fault, tmp_path, monkeypatch):
    """And one of another user of the account, of the same size, is left alone."""
    monkeypatch.setattr(batching, "GRACE_S", 0.5)
    foreign = [(f"foreign-{place}", {"messages": [{"content": "what is 1 + 1?"}]}) for place in range(4)]
    server.accept(foreign, provider, {"workbench": "another"})
    server.faults = ([] if provider == "anthropic" else [""]) + [fault]
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(4), settings={"timeout_s": 1.0})
    assert collected.correct == 4
    assert server.created == 2, "the foreign one and ours"
    assert collected.spent_usd == pytest.approx(4 * ONE_CALL)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_batch_whose_acceptance_was_not_heard_of_is_found_again(server, provider, tmp_path):
    server.faults = ([] if provider == "anthropic" else [""]) + ["late"]
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(4), settings={"timeout_s": 1.0})
    assert (collected.correct, server.created) == (4, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_looks_that_fail_are_repeated_and_results_that_break_off_fetched_again(server, provider, tmp_path):
    """Where it goes well, each is asked for the batch's state, for where its results are, and for these."""
    sent = [""] * (2 if provider == "openai" else 1)
    server.faults = [*sent, "500", "html", "", "", "cut", "", "", "half"]
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(6))
    assert not server.faults, "all of them must have happened"
    assert (collected.correct, server.created) == (6, 1)


def test_a_batch_that_a_provider_refuses_costs_nothing_and_says_why(server, tmp_path):
    server.status = "failed"
    with pytest.raises(TeacherError, match="too many tokens"):
        run(server, "openai", tmp_path / "t.jsonl", sums(4))
    assert all(calls == [("failed", True, False)] for calls in states(tmp_path / "t.jsonl").values())
    assert len(unanswered_path(tmp_path / "t.jsonl").read_text().splitlines()) == 4


def test_what_came_before_a_batch_expired_is_kept(server, tmp_path):
    server.status = "expired"
    collected, _ = run(server, "openai", tmp_path / "t.jsonl", [*sums(3), *sums(2, "expire")])
    assert (collected.traces, dict(collected.unanswered)) == (3, {"failed": 2})
    assert collected.spent_usd == pytest.approx(3 * ONE_CALL)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_cap_holds_and_is_used_by_one_batch_after_the_other(server, provider, tmp_path):
    asked = teacher(server, provider)
    worst = asked.price.cost(asked.most(sums(1)[0]).input, 200) / 1e9
    cap = 6.5 * worst
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(60), max_cost=cap)
    assert "could pass --max-cost" in collected.stopped
    assert collected.spent_usd <= cap
    assert server.billed.total() * ONE_CALL == pytest.approx(collected.spent_usd)
    assert collected.spent_usd > cap - worst - ONE_CALL
    assert server.created > 1
    whole, _ = run(server, provider, tmp_path / "t.jsonl", sums(60))
    assert (whole.traces, server.billed.total()) == (60, 60)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_without_structured_output_is_asked_again_in_words(server, provider, tmp_path):
    collected, _ = run(server, provider, tmp_path / "t.jsonl", sums(3, "structured"))
    assert (collected.correct, server.created) == (3, 2)


def test_a_key_that_is_refused_ends_it_at_once(server, tmp_path):
    server.faults = ["401"]
    with pytest.raises(TeacherError, match=r"the batch was not accepted: .*failure 401"):
        run(server, "anthropic", tmp_path / "t.jsonl", sums(3))
    assert server.created == 0


def test_questions_that_are_too_long_or_equal_are_not_sent(server, tmp_path):
    problems = [*sums(2), replace(sums(1)[0], id="twin"), replace(sums(1)[0], id="long", question="x" * 70_000)]
    collected, _ = run(server, "anthropic", tmp_path / "t.jsonl", problems)
    assert (collected.traces, dict(collected.unanswered)) == (3, {"refused": 1})
    assert server.billed.total() == 2


def test_an_old_ledger_learns_of_batches(server, tmp_path):
    """One of the version before: the column is not there yet."""
    out = tmp_path / "t.jsonl"
    run(server, "openai", out, sums(2))
    data = sqlite3.connect(ledger_path(out))
    data.executescript("ALTER TABLE calls DROP COLUMN batch; DROP TABLE batches; PRAGMA user_version = 1;")
    data.close()
    collected, _ = run(server, "openai", out, sums(4))
    assert (collected.traces, collected.calls) == (4, 2)
