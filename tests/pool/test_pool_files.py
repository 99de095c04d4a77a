"""The pool on disk: the same bytes for the same seed, whatever the processes; CHAMP mixed in or left out."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import psutil
import pytest

from workbench.errors import InputError
from workbench.files import file_hash
from workbench.pool import RICH, PoolConfig, core_families, embedded_pool, labels_path, usual_workers, write_pool
from workbench.pool.champ import champ_traces
from workbench.pool.config import PoolConfig as Config
from workbench.pool.embedded import CHAMP_EVERY
from workbench.records import Trace, read_records, rendered_text, to_json

MIXED = Config(ladder="wide", long_share=0.4, wordings=8, slip_share=0.3, defect_share=0.1)
needs_champ = pytest.mark.skipif(find_spec("champ_dataset") is None, reason="CHAMP's package is not installed")


def test_the_number_of_processes_does_not_show(tmp_path: Path) -> None:
    for workers in (1, 2):
        write_pool(tmp_path / f"{workers}.parquet", 1_300, 7, MIXED, workers=workers)
    one, two = (tmp_path / f"{workers}.parquet" for workers in (1, 2))
    assert file_hash(one) == file_hash(two)
    assert labels_path(one).read_bytes() == labels_path(two).read_bytes() != b""


def test_a_reader_of_many_processes_may_stop_early() -> None:
    traces = embedded_pool(100_000, 0, workers=2)
    first = list(islice(traces, 3))
    traces.close()  # type: ignore[attr-defined]
    assert list(map(to_json, first)) == list(map(to_json, embedded_pool(3)))


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench", "pool", "--size", "1000000", "--workers", "2"]
    process = subprocess.Popen([*command, "--out", tmp_path / "pool.jsonl"], stderr=subprocess.DEVNULL)
    parent = psutil.Process(process.pid)
    deadline = time.monotonic() + 60
    while len(parent.children()) < 3 and time.monotonic() < deadline:  # two workers and multiprocessing's tracker
        time.sleep(0.1)
    children = parent.children()
    assert len(children) == 3
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
    assert not (tmp_path / "pool.jsonl").exists()


def test_other_seeds_give_other_bytes(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_pool(tmp_path / f"{seed}.jsonl", 100, seed, PoolConfig())
    assert (tmp_path / "0.jsonl").read_bytes() != (tmp_path / "1.jsonl").read_bytes()


def test_the_core_has_the_demos_families_alone() -> None:
    names = {family.name for family in core_families() if not family.unseen}
    assert len(core_families()) == 16
    assert {trace.problem.source for trace in embedded_pool(40, 0, PoolConfig(families="core"))} == names


def test_small_pools_start_no_processes() -> None:
    assert usual_workers(100) == 1
    assert usual_workers(1_000_000) >= 1


def test_without_its_package_champ_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.pool.champ.MODULE", "no_such_module")
    champ_traces.cache_clear()
    with pytest.raises(InputError, match=r"pip install champ-dataset==1\.0\.0, or leave it out"):
        list(embedded_pool(5, 0, PoolConfig(champ=True)))
    champ_traces.cache_clear()


@needs_champ
def test_champ_is_whole_and_says_that_it_is_a_benchmark() -> None:
    traces = champ_traces()
    assert len(traces) == len({trace.id for trace in traces}) == 270
    for trace in traces:
        assert trace.problem.metadata["benchmark"] == "CHAMP"
        assert trace.problem.license == "MIT"
        assert trace.answer == trace.problem.answer
        assert [step.role for step in trace.steps].count("tactic") >= 1
        assert "Answer:" in rendered_text(trace)
    strategies = [step.text for trace in traces for step in trace.steps if step.role == "strategy"]
    assert len(strategies) >= 260


@needs_champ
def test_champ_is_mixed_in_and_changes_no_generated_row(tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    write_pool(pool, 2_800, 0, PoolConfig(champ=True, defect_share=0.1))
    rows = list(read_records(pool, Trace))
    places = [place for place, row in enumerate(rows) if row.problem.source == "champ"]
    assert places == list(range(CHAMP_EVERY - 1, CHAMP_EVERY * 270, CHAMP_EVERY))
    generated = [row.id for row in rows if row.problem.source != "champ"]
    assert generated == [trace.id for trace in embedded_pool(len(generated), 0, PoolConfig())]


def test_the_rich_settings_are_those_the_documents_name() -> None:
    assert (RICH.ladder, RICH.long_share, RICH.wordings, RICH.slip_share) == ("wide", 0.4, 24, 0.25)
