"""Bad lines are counted, explained and kept; they never stop a run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from workbench.errors import InputError
from workbench.records import Completion, Problem, Trace, read_records, to_json, write_records

GOOD = to_json(Problem(id="good", question="What is 1 + 1?"))
BAD = {
    "not JSON": b'{"schema":"workbench.problem/1","id":',
    "UTF-8": b'{"schema":"workbench.problem/1","id":"a","question":"\xff\xfe"}',
    "question is empty": b'{"schema":"workbench.problem/1","id":"a","question":"  "}',
    "$.id": b'{"schema":"workbench.problem/1","id":3,"question":"q"}',
    "schema": b'{"schema":"workbench.problem/9","id":"a","question":"q"}',
    "not an object": b"[1, 2]",
    "no known shape": b'{"foo": 1}',
}


def write_lines(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_every_kind_of_bad_line_is_reported_with_place_and_reason(tmp_path: Path) -> None:
    pool = write_lines(tmp_path / "pool.jsonl", GOOD, *BAD.values(), b"", b"   ", GOOD)
    rejected = tmp_path / "out" / "pool.rejected.jsonl"
    reader = read_records(pool, Problem, rejected=rejected)
    assert [problem.id for problem in reader] == ["good", "good"]
    assert (reader.read, reader.rejected, reader.reasons.total()) == (2, len(BAD), len(BAD))
    rows = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(2, 2 + len(BAD)))
    assert {row["file"] for row in rows} == {"pool.jsonl"}
    for row, (reason, line) in zip(rows, BAD.items(), strict=True):
        assert reason.lower() in row["reason"].lower() or "malformed" in row["reason"] or "truncated" in row["reason"]
        assert row["text"] == line.decode(errors="backslashreplace")
    assert f"{len(BAD)} of {len(BAD) + 2} lines rejected" in reader.warnings()[0]
    assert "line 2" in reader.warnings()[0]


def test_reading_again_starts_over(tmp_path: Path) -> None:
    reader = read_records(
        write_lines(tmp_path / "a.jsonl", GOOD, b"{"), Problem, rejected=tmp_path / "a.rejected.jsonl"
    )
    assert list(reader) == list(reader)
    assert reader.rejected == 1
    assert len((tmp_path / "a.rejected.jsonl").read_text().splitlines()) == 1


def test_an_old_rejected_file_does_not_outlive_its_reason(tmp_path: Path) -> None:
    rejected = tmp_path / "a.rejected.jsonl"
    rejected.write_text("old")
    reader = read_records(write_lines(tmp_path / "a.jsonl", GOOD), Problem, rejected=rejected)
    assert len(list(reader)) == 1
    assert not rejected.exists()
    assert reader.warnings() == []


def test_no_good_line_names_the_file_and_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl holds no Problem.*line 2: not JSON"):
        list(read_records(write_lines(tmp_path / "a.jsonl", b"", b"oops"), Problem))
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="it is empty"):
        list(read_records(tmp_path / "empty.jsonl", Problem))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_records(tmp_path / "no.jsonl", Trace)
    with pytest.raises(InputError, match="is a folder"):
        read_records(tmp_path, Trace)


def test_a_compressed_file_that_breaks_off_keeps_what_was_whole(tmp_path: Path) -> None:
    lines = [to_json(Problem(id=str(i), question=f"{i} {i * 7919} {i * 104729}?")) for i in range(5_000)]
    packed = gzip.compress(b"\n".join(lines))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    reader = read_records(tmp_path / "a.jsonl.gz", Problem)
    found = list(reader)
    assert 0 < len(found) < 5_000
    assert reader.rejected >= 1
    assert any("breaks off" in reason for reason in reader.reasons)


def test_formats_that_are_not_what_their_name_says(tmp_path: Path) -> None:
    for name, message in {
        "a.parquet": "not a whole Parquet",
        "a.json": "not one JSON array",
        "a.jsonl.gz": "breaks off",
    }.items():
        write_lines(tmp_path / name, b"oops", GOOD, GOOD)
        with pytest.raises(InputError, match=message):
            list(read_records(tmp_path / name, Problem))


def test_json_array_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[" + GOOD + b", 5, " + GOOD + b"]")
    reader = read_records(tmp_path / "a.json", Problem)
    assert len(list(reader)) == 2
    assert reader.examples[0].line == 2
    (tmp_path / "b.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert len(list(read_records(tmp_path / "b.jsonl", Problem))) == 1


def test_traces_give_their_problems_and_problems_no_traces(tmp_path: Path) -> None:
    trace = Trace(id="t", problem=Problem(id="p", question="q"), teacher="x")
    for name in ("t.jsonl", "t.parquet"):
        write_records(tmp_path / name, [trace])
        assert list(read_records(tmp_path / name, Problem)) == [trace.problem]
    write_lines(tmp_path / "p.jsonl", GOOD)
    with pytest.raises(InputError, match="without a solution"):
        list(read_records(tmp_path / "p.jsonl", Trace))


def test_completions_of_the_wrong_kind_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a Completion"):
        list(read_records(write_lines(tmp_path / "a.jsonl", GOOD), Completion))
