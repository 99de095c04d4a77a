"""Data sets of the Hub, streamed with `datasets`: a folder takes the same way as an ID."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import InputError
from workbench.pool import ImportConfig, import_pool
from workbench.records import Trace, read_records

ROW = {"question": "2 + 2?", "answer": "2 + 2 = 4\n#### 4"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, count in (("train", 30), ("test", 5)):
        rows = [json.dumps(ROW | {"question": f"{i} + 2?"}) for i in range(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def test_the_training_split_is_streamed(folder: Path, tmp_path: Path) -> None:
    report = import_pool(f"hf:{folder}", tmp_path / "pool.jsonl", say=lambda line: None)
    assert [(place.shape, place.rows, place.kept) for place in report.places] == [("gsm8k", 30, 30)]
    traces = list(read_records(tmp_path / "pool.jsonl", Trace))
    assert [trace.problem.question for trace in traces] == [f"{i} + 2?" for i in range(30)]


def test_another_split_and_a_limit(folder: Path, tmp_path: Path) -> None:
    config = ImportConfig(split="test", limit=2, license="apache-2.0")
    report = import_pool(f"hf:{folder}", tmp_path / "pool.parquet", config, say=lambda line: None)
    assert (report.traces, report.stopped_at_limit) == (2, True)
    assert {trace.problem.license for trace in read_records(tmp_path / "pool.parquet", Trace)} == {"apache-2.0"}


@pytest.mark.parametrize(
    ("config", "said"),
    [(ImportConfig(split="dev"), "has no split 'dev'; its splits are"), (ImportConfig(config="x"), "cannot be loaded")],
)
def test_what_the_data_set_does_not_have_is_one_clear_line(
    folder: Path, tmp_path: Path, config: ImportConfig, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        import_pool(f"hf:{folder}", tmp_path / "pool.jsonl", config)
    assert "\n" not in str(caught.value)


BAD = {
    "no JSON": "{broken",
    "half a row": '{"question": "5 + 2?", "ans',
    "no object": "[1, 2]",
    "no question": '{"question": "", "answer": "4"}',
    "other columns": '{"text": "4"}',
}


@pytest.mark.parametrize("before", [3, 20_000], ids=["in the first block", "in a later block"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_row_is_rejected_with_its_place_and_takes_no_other_with_it(
    folder: Path, tmp_path: Path, bad: str, before: int
) -> None:
    rows = [json.dumps(ROW | {"question": f"{i} + 2?"}) for i in range(before + 4)]
    (folder / "train.jsonl").write_text("\n".join([*rows[:before], bad, *rows[before:]]))
    report = import_pool(f"hf:{folder}", tmp_path / "pool.jsonl", say=lambda line: None)
    assert (report.rows, report.rejected) == (before + 5, 1)
    kept = [trace.problem.question for trace in read_records(tmp_path / "pool.jsonl", Trace)]
    assert kept == [f"{i} + 2?" for i in range(before + 4)]
    (rejected,) = map(json.loads, (tmp_path / "pool.rejected.jsonl").read_text().splitlines())
    assert (rejected["file"], rejected["line"]) == (f"hf:{folder}:train", before + 1)
    assert rejected["reason"]


def test_bad_rows_of_one_kind_are_counted_together(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.csv").write_text("question,answer\n1 + 1?,2\na,b,c\n2 + 2?,4\nd,e,f\n3 + 3?,6\n")
    report = import_pool(f"hf:{folder}", tmp_path / "pool.jsonl", say=lambda line: None)
    assert (report.rows, report.traces) == (5, 3)
    assert list(report.reasons.values()) == [2]
    rejected = [json.loads(line) for line in (tmp_path / "pool.rejected.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rejected] == ["a,b,c", "d,e,f"]
    assert "(train.csv, line 3)" in rejected[0]["reason"]


def test_a_stream_that_breaks_off_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.jsonl"):
        path.unlink()
    rows = pa.table({"question": [f"{i * i} + 2?" for i in range(4_000)], "answer": ["4"] * 4_000})
    path = folder / "train.parquet"
    pq.write_table(rows, path, row_group_size=1_000, compression="zstd")
    place = pq.ParquetFile(path).metadata.row_group(3).column(0).dictionary_page_offset
    data = bytearray(path.read_bytes())
    data[place + 50 : place + 150] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"broke off after row [\d,]+"):
        import_pool(f"hf:{folder}", tmp_path / "out" / "pool.jsonl", say=lambda line: None)
    assert not list((tmp_path / "out").iterdir())


def test_without_a_network_there_is_one_clear_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench", "pool", "--from", "hf:openai/gsm8k", "--out", "pool.jsonl"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "the Hub cannot be reached for 'openai/gsm8k'" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.network
def test_a_data_set_of_the_hub_itself(tmp_path: Path) -> None:
    config = ImportConfig(config="main", split="train", limit=5)
    report = import_pool("hf:openai/gsm8k", tmp_path / "pool.jsonl", config, say=lambda line: None)
    assert (report.traces, report.places[0].shape) == (5, "gsm8k")
    assert {trace.problem.license for trace in read_records(tmp_path / "pool.jsonl", Trace)} == {"mit"}
