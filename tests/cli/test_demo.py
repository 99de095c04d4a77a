"""The demo with a tiny student: whole, killed and run again, and the same twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

SMALL = ["--pool-size", "400", "--size", "60", "--per-family", "2", "--epochs", "1"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
TIMED = ("seconds",)


def demo(student, out, *more: str) -> list[str]:
    return [sys.executable, "-m", "workbench", "demo", "--student", str(student), "--out", str(out), *SMALL, *more]


def run(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(demo(*arguments), env=ENVIRONMENT, capture_output=True, text=True, timeout=300, **options)


def summary(out) -> dict:
    found = json.loads((out / "summary.json").read_text())
    return {name: value for name, value in found.items() if name not in TIMED}


@pytest.fixture(scope="module")
def whole(tiny_folder, tmp_path_factory):
    """One unbroken run."""
    out = tmp_path_factory.mktemp("whole") / "demo"
    done = run(tiny_folder, out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_it_ends_with_a_table_and_the_paths(whole):
    out, said = whole
    assert "gain on" in said
    assert f"report:  {out / 'report.html'}" in said
    assert f"summary: {out / 'summary.json'}" in said
    assert (out / "report.html").stat().st_size > 1_000_000


def test_the_summary_has_every_key_and_counts_from_the_model(whole):
    out, _ = whole
    found = json.loads((out / "summary.json").read_text())
    keys = "pool curated student base_parameters trained_parameters trained_fraction problems accuracy gain interval95"
    assert {*keys.split(), "p_value", "gap_closed", "unseen_families", "seconds"} <= found.keys()
    assert found["pool"] == 400
    assert found["curated"] == 60
    assert set(found["accuracy"]) == {"base", "student", "student_guided", "teacher"}
    assert found["accuracy"]["teacher"] == 1.0
    assert set(found["seconds"]) == {"pool", "curate", "distill", "evaluate"}
    assert 0 < found["trained_fraction"] <= 0.003
    assert found["trained_fraction"] == found["trained_parameters"] / found["base_parameters"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["arguments"]["seed"] == 0


def test_no_held_out_question_is_among_the_curated(whole):
    from workbench.records import Problem, Trace, read_records

    out, _ = whole
    learnt = {trace.problem.question for trace in read_records(out / "curate" / "curated.jsonl", Trace)}
    asked = {problem.question for problem in read_records(out / "evaluate" / "problems.jsonl", Problem)}
    assert len(learnt) == 60
    assert not learnt & asked


def test_a_second_run_reuses_every_stage(whole, tiny_folder):
    out, _ = whole
    before = summary(out)
    done = run(tiny_folder, out)
    assert done.stdout.count("reused") == 4
    assert summary(out) == before


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(whole, tiny_folder, tmp_path):
    out, _ = whole
    for seed in ("0", "1"):
        assert run(tiny_folder, tmp_path / seed, "--seed", seed).returncode == 0
    curated = [(folder / "curate" / "curated.jsonl").read_bytes() for folder in (out, tmp_path / "0", tmp_path / "1")]
    assert curated[0] == curated[1] != curated[2]
    assert summary(out) == summary(tmp_path / "0")


def test_killed_at_random_moments_it_ends_as_the_unbroken_run(whole, tiny_folder, tmp_path):
    out, rng = tmp_path / "killed", random.Random(time.time_ns())
    moments = [round(rng.uniform(2, 16), 1) for _ in range(6)]
    for moment in moments:
        process = subprocess.Popen(
            demo(tiny_folder, out), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moment)
        process.send_signal(rng.choice((signal.SIGKILL, signal.SIGINT)))
        process.wait(timeout=60)
    done = run(tiny_folder, out)
    assert done.returncode == 0, (moments, done.stderr)
    assert summary(out) == summary(whole[0]), moments
    left = [path.name for path in out.rglob("*") if path.is_file() and path.name.startswith(".")]
    assert left == [".lock"]
