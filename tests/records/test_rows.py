"""Files as they arrive: cut off, in other encodings, with lines of any length; every row is accounted for."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.records import Problem, Trace, read_records
from workbench.records.rows import MAX_ROW, FileRows, encoding_of

ROW = {"question": "Wie groß ist 数 🙂?", "answer": "3"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(['"', "\\", '\\"', "[{", "]}", ",", "\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\"\\,{", max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def questions(path: Path, **how: Any) -> tuple[list[str], dict[int, str]]:
    """What is kept, and the reason for each line that is not."""
    reader = read_records(path, Problem, **how)
    kept = [problem.question for problem in reader]
    return kept, {row.line: row.reason for row in reader.examples}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz"])
def test_encodings_that_the_first_bytes_give_away(tmp_path: Path, name: str, encoding: str) -> None:
    text = json.dumps([ROW] * 3, ensure_ascii=False) if ".json" in name and "jsonl" not in name else (
        "\n".join([json.dumps(ROW, ensure_ascii=False)] * 3)
    )  # fmt: skip
    packed = text.encode(encoding)
    path = put(tmp_path / name, gzip.compress(packed) if name.endswith(".gz") else packed)
    assert questions(path) == ([ROW["question"]] * 3, {})


def test_latin_1_costs_its_own_rows_and_is_read_when_it_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"question": text}, ensure_ascii=False) for text in ("plain?", "café?", "plain too?")]
    path = put(tmp_path / "a.jsonl", "\n".join(lines).encode("latin-1"))
    kept, reasons = questions(path)
    assert kept == ["plain?", "plain too?"]
    assert "utf-8" in reasons[2].lower()
    assert questions(path, encoding="latin-1") == (["plain?", "café?", "plain too?"], {})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"question": "a\x00b?"}', "not JSON"),
        (b'{"question": "a\\u0000b?"}', "NUL"),
        (rb'{"question": "half \ud83d?"}', r"half a character pair, \ud83d"),
        (rb'{"question": "half \ude00?"}', r"half a character pair, \ude00"),
        (rb'{"question": "\ud83d\ude00 then \ud83d\u0041"}', r"half a character pair, \ud83d"),
        (b'{"question": "\xed\xa0\xbd?"}', "utf-8"),
        (b'{"question": "' + b"[" * 10, "truncated"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_broken_character_costs_its_own_row(tmp_path: Path, line: bytes, said: str) -> None:
    kept, reasons = questions(put(tmp_path / "a.jsonl", b'{"question": "one?"}\n' + line + b'\n{"question": "two?"}\n'))
    assert kept == ["one?", "two?"]
    assert said in reasons[2]


def test_half_a_pair_in_utf_16_and_an_odd_byte_at_its_end_cost_one_row_each(tmp_path: Path) -> None:
    lines = '{"question": "one?"}\n{"question": "\ud83d?"}\n{"question": "two?"}\n{"question": "three?"}'
    packed = lines.encode("utf-16-le", "surrogatepass")[:-1]
    kept, reasons = questions(put(tmp_path / "a.jsonl", packed))
    assert kept == ["one?", "two?"]
    assert reasons.keys() == {2, 4}


def test_what_python_writes_for_nan_is_nothing(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", json.dumps({"question": "NaN?", "answer": "1", "score": float("nan")}))
    (problem,) = read_records(path, Problem)
    assert (problem.question, problem.metadata) == ("NaN?", {})


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "lines.json"])
def test_a_line_of_a_hundred_megabytes_costs_its_own_row_and_no_memory(tmp_path: Path, name: str) -> None:
    with open(tmp_path / name, "wb") as stream:
        stream.write(
            {"a.json": b'[{"question": "one?"},\n', "a.csv": b"question\none?\n"}.get(name, b'{"question": "one?"}\n')
        )
        stream.write(b'"' if name == "a.csv" else b'{"question": "')
        for _ in range(100):
            stream.write(b"a very, \\\\ long [question] " * 40_000)
        stream.write(b'"' if name == "a.csv" else b'"}')
        stream.write(
            {"a.json": b',\n{"question": "two?"}]', "a.csv": b"\ntwo?\n"}.get(name, b'\n{"question": "two?"}\n')
        )
    tracemalloc.start()
    kept, reasons = questions(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept == ["one?", "two?"]
    assert list(reasons.values()) == ["longer than 16 MB, so no row"]
    assert peak < 8 * MAX_ROW


def test_a_json_array_is_not_read_whole(tmp_path: Path) -> None:
    row = json.dumps({"question": "q " * 500, "answer": "1", "nested": [{"a": '"]},{"'}]})
    with open(tmp_path / "a.json", "w") as stream:
        stream.write("[" + ",".join([row] * 20_000) + "]")
    tracemalloc.start()
    assert sum(1 for _ in FileRows(tmp_path / "a.json")) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000 < (tmp_path / "a.json").stat().st_size


@given(values=st.lists(JSON, max_size=6), indent=st.sampled_from([None, 1]), size=st.integers(1, 9))
def test_a_json_array_is_cut_where_its_values_end(values: list[Any], indent: int | None, size: int) -> None:
    from workbench.records.rows import _values

    text = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    found = [msgspec.json.decode(value) for _, value in _values(Path("a.json"), chunks)]  # type: ignore[arg-type]
    assert found == values


@pytest.mark.parametrize(
    ("text", "kept", "said"),
    [
        ('[{"question": "a?"}, {"question": "b?"}', ["a?", "b?"], "never closed"),
        ('[{"question": "a?"}, {"question": "b', ["a?"], "never closed"),
        ('[{"question": "a?"},, {"question": "b?"}]', ["a?", "b?"], "between two commas"),
        ('[{"question": "a?"}] [1]', ["a?"], "after the end"),
        ('[{"question": "a?"}, {"question": b?}, {"question": "c?"}]', ["a?", "c?"], "not JSON"),
        ('{"question": "a?"}\n{"question": "b?"\n{"question": "c?"}\n', ["a?", "c?"], "not JSON"),
        ('{\n "question": "a?"\n}\n{\n "question": "b?"\n}\n5', ["a?", "b?"], "int"),
    ],
)
def test_json_that_is_not_quite_an_array(tmp_path: Path, text: str, kept: list[str], said: str) -> None:
    found, reasons = questions(put(tmp_path / "a.json", text))
    assert found == kept
    assert any(said in reason for reason in reasons.values())


@pytest.mark.parametrize("name", ["a.csv.gz", "a.json.gz", "a.jsonl.gz"])
def test_a_compressed_file_of_any_kind_that_breaks_off_keeps_what_was_whole(tmp_path: Path, name: str) -> None:
    rows = [{"question": f"{i} {i * 7919} {i * 104729}?"} for i in range(5_000)]
    text = "question\n" + "\n".join(row["question"] for row in rows) if "csv" in name else (
        json.dumps(rows) if name == "a.json.gz" else "\n".join(map(json.dumps, rows))
    )  # fmt: skip
    packed = gzip.compress(text.encode())
    kept, reasons = questions(put(tmp_path / name, packed[: len(packed) // 2]))
    assert 0 < len(kept) < 5_000
    assert "breaks off" in list(reasons.values())[-1]


def test_a_text_of_parquet_that_is_not_utf_8_costs_its_own_row(tmp_path: Path) -> None:
    texts = [b"one?", b"caf\xe9?", b"two?"]
    array = pa.array(texts, pa.binary())
    forged = pa.StringArray.from_buffers(3, array.buffers()[1], array.buffers()[2])
    pq.write_table(pa.table({"question": forged}), tmp_path / "a.parquet")
    kept, reasons = questions(tmp_path / "a.parquet")
    assert kept == ["one?", "two?"]
    assert "not UTF-8" in reasons[2]


def test_an_interrupted_reading_leaves_the_rejected_file_as_it_was(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", '{"question": "a?", "answer": "1"}\n{\n{"question": "b?", "answer": "1"}\n')
    rejected = tmp_path / "a.rejected.jsonl"
    rejected.write_text("old")
    reading = iter(read_records(path, Trace, rejected=rejected))
    next(reading)
    next(reading)
    reading.close()
    assert rejected.read_text() == "old"
    assert len(list(read_records(path, Trace, rejected=rejected))) == 2
    assert "old" not in rejected.read_text()
    assert {file.name for file in tmp_path.iterdir()} == {"a.jsonl", "a.rejected.jsonl"}


@pytest.mark.parametrize("text", [b"", b"   \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_an_empty_file_says_so(tmp_path: Path, name: str, text: bytes) -> None:
    with pytest.raises(InputError, match=r"empty|never closed"):
        questions(put(tmp_path / name, text))


def test_plain_text_is_not_taken_for_utf_16() -> None:
    assert encoding_of(b"") == encoding_of(b"a") == encoding_of(b'{"a": "\x00\x00"}') == "utf-8"
