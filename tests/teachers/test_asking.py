"""A collection: every problem has one outcome, nothing is paid twice, the cap is never passed."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import replace

import pytest

from tests.teachers.conftest import INPUT_TOKENS, OUTPUT_TOKENS, sums
from workbench.errors import InputError, StorageError, TeacherError
from workbench.records import Trace, read_records
from workbench.teachers import (
    CollectConfig,
    Ledger,
    TeacherConfig,
    collect,
    ledger_path,
    open_teacher,
    plan,
    unanswered_path,
)
from workbench.teachers.prices import NANO, dollars

PRICE = {"price_in": 1.0, "price_out": 5.0}
ONE_CALL = (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 5.0) / 1_000_000


def teacher(server, **settings):
    settings = {"timeout_s": 10.0, "max_tokens": 200, **PRICE, **settings}
    return open_teacher("openai:tiny", TeacherConfig(base_url=f"{server.url}/v1", **settings))


def run(server, out, problems, *, max_cost=1.0, settings=None, **config):
    asked = teacher(server, **(settings or {}))
    return collect(problems, asked, out, CollectConfig(max_cost_usd=max_cost, **config))


def unanswered(out) -> dict[str, dict]:
    lines = unanswered_path(out).read_text().splitlines()
    return {row["problem_id"]: row for row in map(json.loads, lines)}


def calls(out) -> list[sqlite3.Row]:
    data = sqlite3.connect(ledger_path(out))
    data.row_factory = sqlite3.Row
    rows = data.execute("SELECT * FROM calls ORDER BY id").fetchall()
    data.close()
    return rows


def test_answers_are_graded_where_the_truth_is_known_and_wrong_ones_are_kept(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    problems = [*sums(3), *sums(2, "wrong"), *(replace(p, id=f"u{p.id}") for p in sums(5, answered=False)[3:])]
    collected = run(server, out, problems)
    traces = list(read_records(out, Trace))
    assert [trace.problem for trace in traces] == problems
    assert [trace.is_correct for trace in traces] == [True] * 3 + [False] * 2 + [None] * 2
    assert (collected.correct, collected.wrong, collected.unverified) == (3, 2, 2)
    assert traces[0].usage == {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    assert traces[0].id == "0-0"
    assert collected.spent_usd == pytest.approx(7 * ONE_CALL, abs=1e-12)
    assert not unanswered_path(out).exists()


def test_every_fault_is_an_outcome_and_what_passes_is_tried_again(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    faults = ["malformed", "refusal", "length", "schema", "html", "no-usage", "429x1", "500x2", "cutx1"]
    problems = [problem for fault in faults for problem in sums(1, fault)]
    started = time.monotonic()
    collected = run(server, out, problems)
    assert time.monotonic() - started >= 1.0, "Retry-After was one second"
    assert collected.unanswered == {"malformed": 3, "refused": 1, "cut off": 1}
    assert {trace.problem.id for trace in read_records(out, Trace)} == {"no-usage0", "429x10", "500x20", "cutx10"}
    rows = unanswered(out)
    assert rows["refusal0"]["reason"] == "I cannot help with that."
    assert rows["malformed0"]["text"].startswith("Let me think")
    states = {row["problem_id"]: [] for row in calls(out)}
    for row in calls(out):
        states[row["problem_id"]].append((row["state"], row["cost_nano_usd"] == row["reserved_nano_usd"]))
    assert states["429x10"] == [("failed", False), ("answered", False)]
    assert states["500x20"] == [("failed", False)] * 2 + [("answered", False)]
    assert states["cutx10"] == [("failed", True), ("answered", False)], "a cut reply may have been billed"
    assert states["no-usage0"] == [("answered", True)], "without usage the worst case counts"


def test_a_second_run_asks_only_for_what_is_missing(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    problems = [*sums(4), *sums(1, "malformed"), *sums(1, "refusal")]
    first = run(server, out, problems)
    before = out.read_bytes()
    second = run(server, out, problems)
    assert server.asked.total() == 6
    assert (first.calls, second.calls) == (6, 0)
    assert out.read_bytes() == before
    assert second.spent_usd == first.spent_usd
    more = run(server, out, [*problems, *sums(6)[4:]])
    assert more.calls == 2
    assert run(server, out, problems, ask_again=True).calls == 2, "refused and malformed"
    assert run(server, out, problems, settings={"max_tokens": 300}).calls == 2, "a larger limit may help those two"


def test_a_reference_that_is_added_later_costs_nothing(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    assert run(server, out, sums(3, answered=False)).unverified == 3
    again = run(server, out, sums(3))
    assert (again.correct, again.calls, server.asked.total()) == (3, 0, 3)


def test_equal_questions_are_asked_once_and_samples_apart(server, tmp_path):
    twins = [*sums(2), *(replace(problem, id=f"twin-{problem.id}") for problem in sums(2))]
    collected = run(server, tmp_path / "traces.jsonl", twins, samples=3)
    assert (collected.traces, collected.calls) == (12, 6)
    traces = list(read_records(tmp_path / "traces.jsonl", Trace))
    assert [trace.id for trace in traces[:3]] == ["0-0", "0-1", "0-2"]
    assert len({trace.id for trace in traces}) == 12


def test_a_server_without_structured_output_costs_no_problem(server, tmp_path):
    server.always = "unstructured"
    collected = run(server, tmp_path / "traces.jsonl", sums(20), concurrency=8, attempts=2)
    assert collected.traces == 20
    assert server.billed.total() == 20
    assert server.asked.total() <= 28


@pytest.mark.parametrize("concurrency", [1, 16])
def test_the_cap_is_never_passed_and_raising_it_goes_on(server, tmp_path, concurrency):
    out, problems = tmp_path / "traces.jsonl", sums(40)
    most = teacher(server).price.cost(*_bounds(server, problems[0])) / NANO
    cap = most + 5.5 * ONE_CALL
    collected = run(server, out, problems, max_cost=cap, concurrency=concurrency)
    assert collected.stopped
    assert "raise it" in collected.lines()[-1]
    assert collected.spent_usd <= cap
    assert server.billed.total() * ONE_CALL == pytest.approx(collected.spent_usd)
    assert collected.traces == 6, "the budget is used as far as the worst case of one more call allows"
    assert collected.unanswered == {"not asked": 34}
    whole = run(server, out, problems, concurrency=concurrency)
    assert (whole.traces, whole.calls, server.billed.total()) == (40, 34, 40)


def _bounds(server, problem) -> tuple[int, int]:
    most = teacher(server).most(problem)
    return most.input, most.output


def test_a_cap_of_one_cent_and_a_cap_below_one_call(server, tmp_path):
    collected = run(server, tmp_path / "a.jsonl", sums(60), max_cost=0.01)
    assert 0.005 < collected.spent_usd <= 0.01
    with pytest.raises(InputError, match=r"one more call may cost \$0\.00.*could pass --max-cost \$0\.0001"):
        run(server, tmp_path / "b.jsonl", sums(3), max_cost=0.0001)
    assert not (tmp_path / "b.jsonl").exists()
    with pytest.raises(InputError, match="costs money: say how much at most"):
        run(server, tmp_path / "c.jsonl", sums(3), max_cost=None)
    assert run(server, tmp_path / "d.jsonl", sums(3), max_cost=None, settings={"free": True, "price_in": None,
               "price_out": None}).traces == 3  # fmt: skip


def test_an_orphaned_reservation_counts_as_spent(server, tmp_path):
    out, problems = tmp_path / "traces.jsonl", sums(3)
    run(server, out, problems[:1])
    data = sqlite3.connect(ledger_path(out))
    data.execute("UPDATE calls SET state = 'reserved', cost_nano_usd = NULL, reply = NULL")
    data.commit()
    data.close()
    said: list[str] = []
    asked = teacher(server)
    collected = collect(problems, asked, out, CollectConfig(max_cost_usd=1.0), say=said.append)
    reserved = asked.price.cost(*_bounds(server, problems[0])) / NANO
    assert collected.spent_usd == pytest.approx(reserved + 3 * ONE_CALL)
    assert "1 calls were in flight" in said[0]


@pytest.mark.parametrize(("fault", "most_calls"), [("401", 8), ("404", 16), ("quota", 16)])
def test_calls_that_all_fail_alike_end_early_with_the_reason(server, tmp_path, fault, most_calls):
    server.always = fault
    with pytest.raises(TeacherError, match=r"all calls fail alike \(status 4") as caught:
        run(server, tmp_path / "traces.jsonl", sums(60))
    assert "\n" not in str(caught.value)
    assert server.asked.total() <= most_calls
    assert len(unanswered(tmp_path / "traces.jsonl")) == 60


def test_replies_that_are_all_useless_end_early_too(server, tmp_path):
    server.always = "malformed"
    with pytest.raises(TeacherError, match=r"alike \(malformed\)"):
        run(server, tmp_path / "traces.jsonl", sums(60), concurrency=4)
    assert server.billed.total() <= 14


def test_a_server_that_dies_midway_loses_nothing(server, tmp_path):
    out, problems = tmp_path / "traces.jsonl", sums(30)
    run(server, out, problems[:10])
    server.always = "404"
    with pytest.raises(TeacherError, match="10 traces are kept"):
        run(server, out, problems)
    assert len(list(read_records(out, Trace))) == 10
    server.always = ""
    assert run(server, out, problems).traces == 30
    assert max(server.billed.values()) == 1


def test_a_server_that_is_full_is_asked_by_fewer(server, tmp_path):
    server.always, server.delay_s = "429", 0.02
    with pytest.raises(TeacherError, match="429"):
        run(server, tmp_path / "traces.jsonl", sums(20), concurrency=16, attempts=2)
    assert server.asked.total() < 30
    server.always = ""


def test_a_server_that_drips_is_given_up_and_counts_as_paid(server, tmp_path):
    problems = [*sums(2, "drip"), *sums(4)]
    started = time.monotonic()
    collected = run(server, tmp_path / "traces.jsonl", problems, concurrency=2, attempts=1, deadline_s=0.5)
    assert time.monotonic() - started < 5
    assert (collected.traces, dict(collected.unanswered)) == (4, {"failed": 2})
    rows = calls(tmp_path / "traces.jsonl")
    assert all((row["cost_nano_usd"] == row["reserved_nano_usd"]) == (row["state"] == "failed") for row in rows)
    assert "no whole reply within 0.5 s" in unanswered(tmp_path / "traces.jsonl")["drip0"]["reason"]


def test_lies_half_characters_and_floods_do_no_harm(server, tmp_path):
    problems = [*sums(1, "lie"), *sums(1, "half"), *sums(1, "long"), *sums(1)]
    collected = run(server, tmp_path / "traces.jsonl", problems)
    assert {trace.problem.id for trace in read_records(tmp_path / "traces.jsonl", Trace)} >= {"lie0", "0"}
    assert len(unanswered(tmp_path / "traces.jsonl")["long0"]["text"]) <= 50_000
    assert collected.spent_usd < 0.01
    (lie,) = (row for row in calls(tmp_path / "traces.jsonl") if row["problem_id"] == "lie0")
    assert lie["cost_nano_usd"] == lie["reserved_nano_usd"]


def test_a_server_that_wants_an_hour_is_not_waited_for(server, tmp_path):
    server.retry_after = "3600"
    started = time.monotonic()
    collected = run(server, tmp_path / "traces.jsonl", [*sums(1, "429"), *sums(2)])
    assert time.monotonic() - started < 10
    assert collected.traces == 2
    assert "asks to wait 3,600 s" in unanswered(tmp_path / "traces.jsonl")["4290"]["reason"]


def test_calls_run_in_parallel_and_no_more_than_asked(server, tmp_path):
    server.delay_s = 0.1
    started = time.monotonic()
    run(server, tmp_path / "traces.jsonl", sums(40), concurrency=8)
    assert time.monotonic() - started < 40 * 0.1 / 2
    assert 5 <= server.busiest <= 8


def test_another_teacher_needs_another_file(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    run(server, out, sums(2))
    other = open_teacher("openai:other", TeacherConfig(base_url=f"{server.url}/v1", **PRICE))
    with pytest.raises(InputError, match=r"holds answers of openai:tiny at .* choose another --out"):
        collect(sums(2), other, out, CollectConfig(max_cost_usd=1.0))
    with pytest.raises(InputError, match="were paid for"):
        collect(sums(2), open_teacher("worked"), out, CollectConfig())
    (tmp_path / "old.jsonl").write_text("precious")
    with pytest.raises(InputError, match="no ledger beside it"):
        run(server, tmp_path / "old.jsonl", sums(2))
    assert (tmp_path / "old.jsonl").read_text() == "precious"


def test_one_process_at_a_time_and_a_broken_ledger_is_named(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    first = Ledger(ledger_path(out))
    with pytest.raises(StorageError, match="in use by another collection"):
        Ledger(ledger_path(out))
    first.close()
    ledger_path(out).write_text("no ledger at all " * 100)
    with pytest.raises(StorageError, match="is no ledger"):
        run(server, out, sums(2))


def test_an_estimate_asks_nothing_and_leaves_nothing(server, tmp_path):
    out = tmp_path / "traces.jsonl"
    config = CollectConfig(max_cost_usd=0.001)
    planned = plan(sums(10), teacher(server), out, config)
    assert planned.calls == 10
    assert planned.most_nano_usd == 10 * teacher(server).price.cost(*_bounds(server, sums(1)[0]))
    assert 0 < planned.nano_usd < planned.most_nano_usd
    assert "it will stop there" in planned.lines("openai:tiny", 0.001)[-1]
    assert not list(tmp_path.iterdir())
    assert server.asked.total() == 0
    run(server, out, sums(4))
    after = plan(sums(10), teacher(server), out, config)
    assert after.calls == 6
    assert after.output_tokens == 6 * OUTPUT_TOKENS, "what replies took is known now"


@pytest.mark.parametrize(
    "settings",
    [{"samples": 0}, {"concurrency": 0}, {"attempts": 0}, {"max_cost_usd": float("nan")}, {"max_cost_usd": -1}],
)
def test_settings_that_cannot_be_meant(settings):
    with pytest.raises(InputError, match=next(iter(settings)).removesuffix("_usd")):
        CollectConfig(**settings)


def test_money_is_counted_without_rounding(server):
    price = teacher(server).price
    assert sum(price.cost(1, 0) for _ in range(1_000_000)) == NANO
    assert dollars(price.cost(120, 80)) == "$0.00052"
