"""`workbench collect` as a process: killed and run again, with a key that must stay secret, on bad input."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.teachers.conftest import INPUT_TOKENS, KEY, OUTPUT_TOKENS
from workbench.cli import main
from workbench.records import Problem, Trace, read_records

COMMAND = [sys.executable, "-m", "workbench", "collect"]
ONE_CALL = (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 5.0) / 1_000_000


def arguments(server, *more: object, teacher: str = "openai:tiny") -> list[str]:
    url = f"{server.url}/v1" if teacher.startswith("openai") else server.url
    priced = ["--price-in", "1", "--price-out", "5", "--max-tokens", "200", "--base-url", url, "--teacher", teacher]
    return [*COMMAND, "--problems", "questions.csv", "--out", "own/traces.jsonl", *priced, *map(str, more)]


def write_csv(folder: Path, count: int, fault: str = "") -> None:
    with (folder / "questions.csv").open("w", newline="") as stream:
        rows = [("id", "question", "answer"), *((f"q{i}", f"{fault}what is {i} + 7?", i + 7) for i in range(count))]
        csv.writer(stream).writerows(rows)


def run(command, cwd, **variables) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )


def test_killed_twenty_times_it_ends_with_one_outcome_each_and_none_paid_twice(server, tmp_path):
    """What may be paid twice is what was in flight when the process died: at most the concurrency, each time."""
    write_csv(tmp_path, 200)
    server.delay_s = 0.1
    rng, concurrency, cap = random.Random(time.time_ns()), 4, 0.5
    command = arguments(server, "--max-cost", cap, "--concurrency", concurrency)
    killed = 0
    for _ in range(20):
        before = server.asked.total()
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while server.asked.total() == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        killed += process.wait(timeout=30) == -signal.SIGKILL
    assert killed == 20, "it must not have ended by itself"
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    traces = list(read_records(tmp_path / "own" / "traces.jsonl", Trace))
    assert [trace.problem.id for trace in traces] == [f"q{i}" for i in range(200)]
    data = sqlite3.connect(tmp_path / "own" / "traces.ledger.sqlite")
    answered = data.execute("SELECT count(*), count(DISTINCT task) FROM calls WHERE state = 'answered'").fetchone()
    orphans, lost = data.execute(
        "SELECT count(*), sum(cost_nano_usd = reserved_nano_usd) FROM calls WHERE state = 'orphaned'"
    ).fetchone()
    (spent,) = data.execute("SELECT sum(cost_nano_usd) FROM calls").fetchone()
    (left,) = data.execute("SELECT count(*) FROM calls WHERE cost_nano_usd IS NULL").fetchone()
    data.close()
    assert answered == (200, 200)
    assert left == 0
    assert 1 <= orphans == lost <= killed * concurrency, "each counts as spent, at its worst case"
    assert server.billed.total() <= 200 + orphans
    assert server.billed.total() * ONE_CALL <= spent / 1e9 <= cap


def test_the_cap_holds_over_kills_as_well(server, tmp_path):
    write_csv(tmp_path, 100)
    server.delay_s = 0.05
    cap = 0.05
    command = arguments(server, "--max-cost", cap, "--concurrency", 4)
    for _ in range(2):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline, before = time.monotonic() + 30, server.billed.total()
        while server.billed.total() < before + 8 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    done = run([*command, "--json"], tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "could pass --max-cost" in found["stopped"]
    assert server.billed.total() * ONE_CALL <= found["spent_usd"] <= cap
    assert "were in flight when an earlier run died" in done.stderr


def test_ctrl_c_keeps_what_was_answered_and_pays_for_nothing_twice(server, tmp_path):
    write_csv(tmp_path, 80)
    server.delay_s = 0.05
    command = arguments(server, "--max-cost", 1, "--concurrency", 4)
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 30
    while server.billed.total() < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in said.splitlines()[-1]
    assert "Traceback" not in said
    kept = list(read_records(tmp_path / "own" / "traces.jsonl", Trace))
    assert 10 <= len(kept) < 80
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert server.billed.total() == 80
    assert len(list(read_records(tmp_path / "own" / "traces.jsonl", Trace))) == 80


@pytest.mark.parametrize("teacher", ["openai:tiny", "anthropic:tiny"])
@pytest.mark.parametrize("faults", [("echo", "fence", "html", "malformed"), ("401",)])
def test_a_planted_key_is_in_no_file_and_no_output(server, tmp_path, teacher, faults):
    lines = [f"[{fault}] what is {place} + 7?,{place + 7}" for place, fault in enumerate(faults)]
    (tmp_path / "questions.csv").write_text("\n".join(["question,answer", *lines, ""]))
    done = run(arguments(server, "--max-cost", 1, teacher=teacher), tmp_path, OPENAI_LOG="info")
    assert all(KEY in key for key in server.keys), "the server must have seen it"
    assert len(server.keys) == 1
    assert KEY not in done.stdout + done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"traces.ledger.sqlite", "traces.unanswered.jsonl"}
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    if "echo" in faults:
        assert done.returncode == 0, done.stderr
        assert "[key] Add the" in (tmp_path / "own" / "traces.jsonl").read_text()
    else:
        assert done.returncode == 6
        assert "[key]" in done.stderr


def test_a_dry_run_needs_no_key_and_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    write_csv(tmp_path, 10)
    command = [*COMMAND, "--problems", "questions.csv", "--out", "own/traces.jsonl", "--teacher", "openai:gpt-6-luna"]
    done = run([*command, "--dry-run", "--max-cost", "1"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "10 calls to openai:gpt-6-luna: about" in done.stdout
    assert "tokens in" in done.stdout
    assert "at most $0." in done.stdout
    assert not (tmp_path / "own").exists()
    assert json.loads(run([*command, "--dry-run", "--json"], tmp_path).stdout)["calls"] == 10
    refused = run([*command, "--max-cost", "1"], tmp_path)
    assert refused.returncode == 6
    assert "set the environment variable OPENAI_API_KEY" in refused.stderr


def test_held_out_problems_are_never_asked_and_drawn_alike_each_time(server, tmp_path):
    write_csv(tmp_path, 20)
    with (tmp_path / "questions.csv").open("a") as stream:
        stream.write("twin,WHAT  is 3 + 7?,10\nopen,what is 90 + 7?,\n")
    command = arguments(server, "--max-cost", 1, "--holdout", 8)
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    held_out = list(read_records(tmp_path / "own" / "traces.holdout.jsonl", Problem))
    assert len({problem.question.casefold().replace("  ", " ") for problem in held_out}) == 8
    assert not {problem.question for problem in held_out} & set(server.asked)
    assert "open" not in {problem.id for problem in held_out}, "it has no answer to be graded by"
    first = (tmp_path / "own" / "traces.holdout.jsonl").read_bytes()
    run(command, tmp_path)
    assert (tmp_path / "own" / "traces.holdout.jsonl").read_bytes() == first
    refused = run(arguments(server, "--max-cost", 1), tmp_path)
    assert refused.returncode == 2
    assert "give --holdout again, or remove it" in refused.stderr
    run([*command, "--seed", "1"], tmp_path)
    assert (tmp_path / "own" / "traces.holdout.jsonl").read_bytes() != first


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (["--teacher", "gpt"], "no teacher 'gpt'", 2),
        (["--teacher", "worked", "--holdout", "9"], "--holdout 9 leaves nothing to learn from", 2),
        (["--teacher", "worked", "--holdout", "2"], "needs as many problems with an answer, and 0 have one", 2),
        (["--teacher", "worked", "--samples", "0"], "samples=0", 2),
        (["--teacher", "worked"], "no trace was collected: 3 refused; reasons: own/traces.unanswered.jsonl", 2),
        (["--teacher", "openai:gpt-6-luna"], "costs money: say how much at most", 2),
        (["--teacher", "worked", "--problems", "nothing.csv"], "nothing.csv does not exist", 2),
        (["--teacher", "worked", "--out", "questions.csv"], "is the file of problems", 2),
        (["--teacher", "openai:x", "--free", "--base-url", "http://127.0.0.1:9", "--out", "traces.txt"], "end with", 2),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, more, said, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions.csv").write_text("question\nwhat is love?\nwhat is art?\nwhat is time?\n")
    with pytest.raises(SystemExit) as stopped:
        main(["collect", "--problems", "questions.csv", "--out", "own/traces.jsonl", *more])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("workbench: ")]
    assert stopped.value.code == code
    assert len(lines) == 1
    assert said in lines[0]


def test_collecting_loads_no_torch(tmp_path):
    code = (
        "import sys; from workbench.cli import main; "
        "main(['collect', '--problems', 'q.csv', '--teacher', 'openai:gpt-6-luna', '--out', 'o.jsonl', '--dry-run']); "
        "sys.exit('torch' in sys.modules or 'openai' in sys.modules)"
    )
    (tmp_path / "q.csv").write_text("question\nwhat?\n")
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
