"""A real model behind a real server of the protocol: the embedded student, served by `transformers serve`.

It takes a schema and pays it no heed, and 135 million parameters write little JSON that fits: what is tried here is
asking in words, and reading strictly.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.teachers.conftest import KEY, sums
from workbench.errors import InputError, TeacherError
from workbench.records import Trace, read_records
from workbench.students import load_student
from workbench.teachers import CollectConfig, TeacherConfig, collect, open_teacher, unanswered_path

pytestmark = pytest.mark.slow
LOADS_S = 180.0


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address, and the name that the model goes by there."""
    pytest.importorskip("uvicorn")
    folder = tmp_path_factory.mktemp("served")
    student = load_student("smollm2-135m")
    student.model.save_pretrained(folder / "student")
    student.prompter.tokenizer.save_pretrained(folder / "student")
    del student
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder / "student"),
               "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]  # fmt: skip
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, folder / "log")
        yield f"{url}/v1", str(folder / "student")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + LOADS_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.5)
    pytest.fail(f"it does not serve: {log.read_text()[-2_000:]}")


def test_a_real_student_is_asked_in_words_and_every_problem_has_its_outcome(served, tmp_path):
    url, model = served
    out, problems = tmp_path / "traces.jsonl", sums(8)
    teacher = open_teacher(f"openai:{model}", TeacherConfig(base_url=url, free=True, max_tokens=160, temperature=0.7))
    config = CollectConfig(concurrency=2)
    with suppress(InputError, TeacherError):  # where not one reply fits, which is no fault here
        collect(problems, teacher, out, config)
    missing = [json.loads(line) for line in unanswered_path(out).read_text().splitlines()]
    traces = list(read_records(out, Trace)) if out.exists() else []
    outcomes = Counter(row["outcome"] for row in missing)
    assert len(traces) + len(missing) == len(problems)
    assert set(outcomes) <= {"malformed", "cut off", "not asked"}, missing
    print(f"{len(traces)} answered, {dict(outcomes)}")
    assert outcomes["malformed"] + outcomes["cut off"] + len(traces) >= 5
    assert all(row["reason"] and row["text"] for row in missing if row["outcome"] != "not asked")
    assert all(trace.teacher == f"openai:{model}" and trace.usage["output_tokens"] for trace in traces)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert KEY.encode() not in path.read_bytes()
