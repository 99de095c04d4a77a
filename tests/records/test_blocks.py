"""Blocks give what the file gives, bad rows and ids included."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from pathlib import Path

import pytest

from workbench.records import (
    BlockReader,
    FileRows,
    Problem,
    Rejected,
    Trace,
    UniqueIds,
    read_records,
    renamed,
    row_blocks,
    write_records,
)
from workbench.records.blocks import MAX_BYTES

FOREIGN = [{"question": f"What is {n % 3} + 1?", "answer": f"It is one more.\n#### {n % 3 + 1}"} for n in range(10)]


def read_by_blocks(path: Path, size: int) -> tuple[list[Trace], list[Rejected]]:
    traces, rejected, ids = [], [], UniqueIds()
    for block in row_blocks(FileRows(path), size):
        reader = BlockReader(pickle.loads(pickle.dumps(block)))
        made = [trace for _, some in reader.numbered(rejected.append) for trace in some]
        for trace, is_foreign in zip(made, reader.is_foreign(made), strict=True):
            name = ids.of(trace.problem.id, trace.sample) if is_foreign else None
            traces.append(renamed(trace, name or trace.id))
    return traces, rejected


def lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


@pytest.mark.parametrize("size", [1, 3, 100])
def test_foreign_rows_get_the_ids_of_the_whole_file(size: int, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", [*FOREIGN, b"\xff", b"{}", b"x" * 20 * 2**20, FOREIGN[0]])
    reader = read_records(path, Trace)
    whole = list(reader)
    traces, rejected = read_by_blocks(path, size)
    assert traces == whole
    assert len({trace.id for trace in traces}) == len(traces) == 11
    assert rejected == reader.examples


@pytest.mark.parametrize("name", ["own.jsonl", "own.parquet", "own.jsonl.gz"])
def test_own_rows_are_as_they_were(name: str, tmp_path: Path) -> None:
    problem = Problem(id="p", question="Why?")
    own = [Trace(id=f"t{n}", problem=problem, teacher="x", reasoning="r", answer=str(n)) for n in range(7)]
    write_records(tmp_path / name, own)
    assert read_by_blocks(tmp_path / name, 3) == (own, [])
    only = [block.only({2, 6}) for block in row_blocks(FileRows(tmp_path / name), 3)]
    assert [trace.id for block in only for _, made in BlockReader(block).numbered(print) for trace in made] == [
        "t1",
        "t5",
    ]


def test_long_lines_make_small_blocks(tmp_path: Path) -> None:
    long = {"question": "x" * (MAX_BYTES // 2), "answer": "1"}
    blocks = list(row_blocks(FileRows(lines(tmp_path / "long.jsonl", [long] * 7)), 1_000))
    assert [len(block.lines) for block in blocks] == [2, 2, 2, 1]
