"""The README's commands are run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMALL = "--pool-size 600 --size 40 --per-family 1 --epochs 1"


def commands(heading: str) -> list[str]:
    """The lines of the first code block under a heading."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return [line.split("  #")[0].strip() for line in block[1].splitlines() if line.strip()]


def run(command: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900)


def test_the_quick_start_is_two_commands():
    assert commands("Quick start") == ["make demo", "make test"]


@pytest.mark.slow
def test_make_demo_at_a_small_size(tmp_path):
    """Make is told that the running interpreter's environment is the project's, which it is in a real run."""
    arguments = f"DEMO={SMALL} --out {tmp_path / 'demo'}"
    done = run(["make", "-o", ".venv/.ready", "demo", arguments, f"BIN={Path(sys.executable).parent}"], ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "demo" / "report.html").exists()
    assert "points, 95 % interval" in done.stdout


def test_make_test_runs_everything():
    printed = run(["make", "--dry-run", "test"], ROOT).stdout
    parts = ['-m "not slow and not browser', '-m "slow and not browser', '-m "browser']
    for tool in ("ruff check", "ruff format --check", "mypy", *parts):
        assert tool in printed


@pytest.mark.slow
def test_the_tour_runs_as_printed(tmp_path):
    for command in commands("A tour of the verbs"):
        done = run(shlex.split(command), tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
        assert done.stdout.strip(), command


@pytest.mark.slow
def test_the_python_example_runs_as_printed(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    done = run([sys.executable, "-c", block[1]], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
