"""The command line on bad input: one clear line, a non-zero exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.cli import VERBS, parse
from workbench.errors import InputError

COMMAND = [sys.executable, "-m", "workbench"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def workbench(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, **options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pol"], "unknown verb 'pol'; the verbs are doctor, pool"),
        (["pool", "--sise", "3", "--out", "x"], "--sise"),
        (["pool", "--size", "many", "--out", "x"], "--size"),
        (["pool"], "--out"),
        (["solve"], "question"),
        (["demo", "--split", "train"], "--split"),
        (["demo", "extra"], "extra"),
    ],
)
def test_what_cannot_be_parsed_is_one_line_that_names_it(arguments, said):
    with pytest.raises(InputError) as caught:
        parse(arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse([verb, "--help"])
    assert not stopped.value.code
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["curate", "--pool", "missing.jsonl", "--out", "out"], "missing.jsonl does not exist"),
        (["curate", "--pool", "broken.jsonl", "--out", "out", "--student", "STUDENT"], "broken.jsonl"),
        (["distill", "--traces", "broken.jsonl", "--student", "nobody", "--out", "out"], "no student 'nobody'"),
        (
            ["distill", "--traces", "missing.jsonl", "--student", "STUDENT", "--out", "out"],
            "missing.jsonl does not exist",
        ),
        (["evaluate", "--student", "STUDENT", "--benchmark", "nothing", "--out", "out"], "no benchmark 'nothing'"),
        (["evaluate", "--student", "STUDENT", "--per-family", "0", "--out", "out"], "per_family=0"),
        (["demo", "--size", "0", "--out", "out"], "size=0"),
        (["pool", "--size", "20", "--out", "pool.txt"], ".jsonl"),
        (["solve", " "], "the question is empty"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, said, tmp_path, saved_student):
    work = tmp_path / "work"
    work.mkdir()
    (work / "broken.jsonl").write_text('{"id": \nnot json at all\n')
    done = workbench(*[str(saved_student) if a == "STUDENT" else a for a in arguments], cwd=work)
    lines = [line for line in done.stderr.splitlines() if line.startswith("workbench: ")]
    assert done.returncode not in (0, None)
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in done.stderr
    assert "distill" not in arguments or not (work / "out").exists()
    left = {path.name for path in work.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert left <= {"broken.jsonl", "manifest.json", "curated.rejected.jsonl"}


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A limit on the size of files is what a process sees of a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = workbench("pool", "--size", "500", "--out", "pool.jsonl", cwd=tmp_path, preexec_fn=limit)
    assert done.returncode == 4
    assert "cannot write pool.jsonl" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_one_line_and_leaves_nothing(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "pool", "--size", "3000000", "--out", "pool.jsonl"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_pool_is_written_and_imported_again_with_bad_lines_reported(tmp_path):
    assert workbench("pool", "--size", "50", "--out", "a.jsonl", cwd=tmp_path).returncode == 0
    with (tmp_path / "a.jsonl").open("a") as stream:
        stream.write("{broken\n")
    done = workbench("pool", "--from", "a.jsonl", "--out", "b.parquet", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert [found[name] for name in ("rows", "kept", "rejected", "traces", "out")] == [51, 50, 1, 50, "b.parquet"]
    assert (tmp_path / "b.rejected.jsonl").read_text().count("\n") == 1


def test_doctor_prints_a_table_and_json(tmp_path):
    done = workbench("doctor", "--json", cwd=tmp_path)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"python", "device", "memory", "disk", "student"} <= findings.keys()
    assert findings["python"]["ok"]
