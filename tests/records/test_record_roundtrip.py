"""What is written is read back exactly, in every format."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.records import Completion, Event, Grade, Problem, Step, Trace, read_records, write_records

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["<|im_end|>", "<think>\n", "\x00", "\u2028", "#### 7", '"},{"', "数 é 🙂", " ", "\ufeff"]),
)
QUESTION = TEXT.map(lambda text: "Q" + text)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FREE_FORM = st.dictionaries(TEXT, JSON_VALUES, max_size=3)
PROBLEMS = st.builds(
    Problem, id=TEXT, question=QUESTION, answer=st.none() | TEXT, domain=TEXT, source=TEXT, license=TEXT,
    choices=st.none() | st.lists(TEXT, max_size=3).map(tuple), metadata=FREE_FORM,
)  # fmt: skip
STEPS = st.builds(Step, role=st.sampled_from(["strategy", "tactic", "check"]), text=TEXT)
TRACES = st.builds(
    Trace, id=TEXT, problem=PROBLEMS, sample=st.integers(0, 9), teacher=TEXT,
    steps=st.lists(STEPS, max_size=3).map(tuple),
    reasoning=st.none() | TEXT, answer=st.none() | TEXT, usage=FREE_FORM, is_correct=st.none() | st.booleans(),
)  # fmt: skip
EVENTS = st.builds(Event, intervention=TEXT, position=st.integers(0, 99), reason=TEXT, text=TEXT)
COMPLETIONS = st.builds(
    Completion, problem_id=TEXT, arm=TEXT, student=TEXT, text=TEXT, finish_reason=st.sampled_from(["stop", "length"]),
    token_ids=st.lists(st.integers(0, 2**31), max_size=4).map(tuple),
    logprobs=st.none() | st.lists(st.floats(-1e6, 0), max_size=4).map(tuple),
    events=st.lists(EVENTS, max_size=2).map(tuple), seconds=st.floats(0, 1e6),
)  # fmt: skip
SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")


def read_back(records: Sequence[Any], suffix: str) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"records{suffix}"
        assert write_records(path, iter(records)) == len(records)
        return list(read_records(path, type(records[0])))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40)
@given(st.one_of(*(st.lists(kind, min_size=1, max_size=4) for kind in (TRACES, PROBLEMS, COMPLETIONS))))
def test_written_records_are_read_back_exactly(suffix: str, records: list[Any]) -> None:
    assert read_back(records, suffix) == records


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_none_and_empty_stay_apart(suffix: str) -> None:
    records = [
        Problem(id="a", question="q", answer=None, choices=None),
        Problem(id="b", question="q", answer="", choices=()),
    ]
    assert read_back(records, suffix) == records
    assert (
        read_back([Grade(verdict="ungraded", extracted=None), Grade(verdict="wrong", extracted="")], suffix)[
            1
        ].extracted
        == ""
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_records_give_equal_bytes(suffix: str, tmp_path: Path) -> None:
    records = [Problem(id=str(i), question=f"What is {i} + 1?", metadata={"z": 1, "a": [i]}) for i in range(50)]
    first, second = tmp_path / f"first{suffix}", tmp_path / f"another{suffix}"
    write_records(first, records)
    write_records(second, records)
    assert first.read_bytes() == second.read_bytes()


def test_schema_is_the_first_field(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl.gz"
    write_records(path, [Trace(id="t", problem=Problem(id="p", question="q"), teacher="x")])
    assert gzip.decompress(path.read_bytes()).startswith(b'{"schema":"workbench.trace/1","id":"t","problem":{"schema"')


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    write_records(path, [Problem(id="old", question="q")])
    with pytest.raises(InputError, match="Grade among Problem"):
        write_records(path, [Problem(id="new", question="q"), Grade(verdict="wrong")])
    assert [problem.id for problem in read_records(path, Problem)] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["problems.jsonl"]


def test_unknown_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.jsonl, \.jsonl\.gz, \.parquet"):
        write_records(tmp_path / "a.txt", [Problem(id="a", question="q")])
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match=r"\.jsonl, \.json, .*\.parquet"):
        read_records(tmp_path / "a.txt", Problem)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_half_a_character_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broken-1"):
        write_records(tmp_path / f"a{suffix}", [Problem(id="broken-1", question="\ud83d")])
    assert not list(tmp_path.iterdir())


def test_several_row_groups_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    assert write_records(path, (Grade(verdict="correct", grader=str(i)) for i in range(25_001))) == 25_001
    assert [grade.grader for grade in read_records(path, Grade)] == [str(i) for i in range(25_001)]
