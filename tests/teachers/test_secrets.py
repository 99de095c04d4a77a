"""Where a key comes from, and that it goes nowhere but to the provider."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.teachers.conftest import KEY, sums
from workbench.errors import TeacherError
from workbench.records import write_records
from workbench.teachers import CallError, TeacherConfig, open_teacher
from workbench.teachers.secrets import find_key

TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def test_a_key_is_typed_at_a_terminal_and_not_shown(server, tmp_path):
    """The address is no loopback name that would go without a key; a proxy leads it to the server."""
    write_records(tmp_path / "q.jsonl", sums(2))
    command = [sys.executable, "-m", "workbench", "collect", "--problems", "q.jsonl", "--teacher", "openai:tiny",
               "--out", "t.jsonl", "--base-url", "http://teacher.example/v1", "--price-in", "1", "--price-out", "5",
               "--max-cost", "1", "--key-variable", "TYPED_KEY", "--timeout", "5"]  # fmt: skip
    environment = {**os.environ, "http_proxy": server.url, "HTTP_PROXY": server.url, "no_proxy": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *command], cwd=tmp_path, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    shown = b""
    while b"for this run only): " not in shown:
        shown += os.read(process.stdout.fileno(), 1_000) or pytest.fail(f"it ended: {shown!r}")
    process.stdin.write(KEY.encode() + b"\n")
    process.stdin.flush()
    shown += process.stdout.read()
    process.stdin.close()
    assert process.wait(timeout=60) == 0, shown
    assert b"openai:tiny needs a key; TYPED_KEY" in shown
    assert server.keys == {f"Bearer {KEY}"}, "it must have arrived"
    assert KEY.encode() not in shown
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(TeacherError, match="set the environment variable OPENAI_API_KEY, or Colab's secret of it"):
        open_teacher("openai:gpt-6-luna")


@pytest.mark.parametrize("value", [f"{KEY}\nX-Other: 1", f"{KEY} {KEY}", f"{KEY}ключ", f"{KEY}\x00"])
def test_what_cannot_be_a_key_is_named_and_not_shown(monkeypatch, value):
    """Sent on, it would break the header, and the client would quote it in its complaint."""
    monkeypatch.setattr(os, "environ", {"OPENAI_API_KEY": value})
    with pytest.raises(TeacherError, match="OPENAI_API_KEY holds a space, a line break") as caught:
        find_key("OPENAI_API_KEY")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", ["401", "cut", "hang", "inside-out"])
def test_no_traceback_holds_it_locals_included(server, provider, fault):
    asked = open_teacher(f"{provider}:tiny", TeacherConfig(base_url=server.url, free=True, timeout_s=0.3))
    try:
        if fault == "inside-out":
            asked.ask(None, 0)  # type: ignore[arg-type]  # a defect of the caller
        asked.ask(sums(1, fault)[0], 0)
        pytest.fail("it must fail")
    except (CallError, AttributeError) as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert KEY not in "".join(told.format())


def test_no_output_of_a_notebook_holds_it_whatever_fails(server, tmp_path):
    """Tracebacks that show every local variable, levels of logging that show every header."""
    opened = f"open_teacher('anthropic:tiny', TeacherConfig(base_url={server.url!r}, free=True, timeout_s=1.0))"
    cells = [
        "%xmode Verbose\nimport logging; logging.basicConfig(level=logging.DEBUG)\n"
        "import workbench as wb\nfrom workbench.records import Problem\n"
        "from workbench.teachers import TeacherConfig, open_teacher",
        f"teacher = {opened}\nteacher",
        "teacher.ask(Problem(id='1', question='[echo] what is 1 + 7?'), 0)",
        *(f"teacher.ask(Problem(id='1', question='[{fault}] what is 1 + 7?'), 0)" for fault in ("401", "cut", "hang")),
        "wb.collect_traces([Problem(id='1', question='[401] what is 1 + 7?')], teacher, 'own/traces.jsonl')",
        "teacher.ask(None, 0)",
        "vars(teacher)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=120, kernel_name="python3", allow_errors=True, resources=resources).execute()
    outputs = nbformat.writes(book)
    assert any(KEY in key for key in server.keys), "it must have arrived"
    assert "[key]" in outputs, "a server quoted it"
    assert len(re.findall(r'"ename": "CallError"', outputs)) == 3
    assert "TeacherError" in outputs
    assert KEY not in outputs
    for path in Path(tmp_path).rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
