"""Pools that nobody wishes for: one clear line, a sensible result, and no row lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.curation import CurationConfig, CurationReport, Filters, curate, read_survivors
from workbench.curation.suitability import STUDENT_MEASURES
from workbench.errors import InputError
from workbench.records import Trace, read_records, to_json, write_records

MakePool = Callable[[int], list[Trace]]
CONFIG = CurationConfig(size=12)


def written(tmp_path: Path, pool: list[Trace]) -> Path:
    write_records(tmp_path / "pool.jsonl", pool)
    return tmp_path / "pool.jsonl"


def accounted(report: CurationReport, rows: int) -> None:
    """Every line of the pool is kept, dropped with a reason, or rejected with one."""
    kept = [trace.id for trace in read_records(report.curated_path, Trace)]
    dropped = pq.read_table(report.dropped_path).to_pylist()
    assert all(row["reason"] for row in dropped)
    assert len(kept) == report.kept
    assert len(kept) + len(dropped) + report.rejected == rows


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"[]"])
def test_a_pool_of_nothing_is_one_line_and_leaves_no_folder_half_written(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pool.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"pool\.jsonl") as said:
        curate(tmp_path / "pool.jsonl", tmp_path / "out", CONFIG)
    assert "\n" not in str(said.value)
    assert not (tmp_path / "out" / "funnel.json").exists()
    assert not (tmp_path / "out" / "curated.jsonl").exists()


def test_a_pool_of_one_domain_is_chosen_from_as_any_other(tmp_path: Path, sound_pool: MakePool) -> None:
    pool = [replace(trace, problem=replace(trace.problem, domain="only", source="only")) for trace in sound_pool(40)]
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG)
    assert report.selected.domains == {"only": 12}
    accounted(report, 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", ["nan", "inf", "-inf", "1e999", 1e308, -1e308, None, [], "high", True])
def test_levels_that_are_no_numbers_do_not_spread(level: Any, tmp_path: Path, sound_pool: MakePool) -> None:
    pool = sound_pool(40)
    pool[0] = replace(pool[0], problem=replace(pool[0].problem, metadata={"level": level}))
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG)
    difficulty = read_survivors(report.survivors_path).scores.difficulty
    assert np.abs(difficulty).max() < 10
    assert report.kept == 12
    accounted(report, 40)


@pytest.mark.parametrize("level", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_bare_nan_and_infinity_in_a_line_do_not_stop_the_run(level: str, tmp_path: Path, sound_pool: MakePool) -> None:
    lines = [to_json(trace).decode() for trace in sound_pool(40)]
    lines[3] = lines[3].replace('"level":', f'"level":{level},"was":', 1)
    assert level in lines[3]
    (tmp_path / "pool.jsonl").write_text("\n".join(lines))
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", CONFIG)
    assert np.isfinite(read_survivors(report.survivors_path).scores.difficulty).all()
    accounted(report, 40)


def test_a_line_of_100_mb_is_rejected_with_its_number(tmp_path: Path, sound_pool: MakePool) -> None:
    path = written(tmp_path, sound_pool(40))
    with path.open("ab") as file:
        file.write(b'{"question": "' + b"ha " * 35_000_000 + b'", "answer": "1"}\n')
        file.write(to_json(replace(sound_pool(41)[40], id="after")) + b"\n")
    report = curate(path, tmp_path / "out", CONFIG)
    assert (report.read, report.rejected) == (41, 1)
    assert report.rejected_path.stat().st_size < 1_000_000
    assert any("line 41" in warning for warning in report.warnings)
    accounted(report, 42)


def test_lines_of_other_encodings_are_rejected_one_by_one(tmp_path: Path, sound_pool: MakePool) -> None:
    foreign = json.dumps({"question": "Wie viele \u00c4pfel?", "answer": "3"}, ensure_ascii=False)
    lines = [to_json(trace) for trace in sound_pool(40)]
    lines[5:5] = [foreign.encode("latin-1"), foreign.encode("utf-16"), b"\x00\x01\x02", foreign.encode("utf-8")]
    (tmp_path / "pool.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", CONFIG)
    assert report.read >= 41
    assert report.kept == 12
    reasons = [json.loads(line) for line in report.rejected_path.read_text().splitlines()]
    assert all(row["reason"] and row["line"] for row in reasons)
    assert len(reasons) == report.rejected


def test_a_pool_in_utf_16_is_read_as_such_or_refused_in_one_line(tmp_path: Path, sound_pool: MakePool) -> None:
    text = "\n".join(to_json(trace).decode() for trace in sound_pool(40))
    (tmp_path / "pool.jsonl").write_bytes(text.encode("utf-16"))
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", CONFIG)
    accounted(report, 40)


def test_a_pool_without_answers_says_so_and_passes_where_that_is_wanted(tmp_path: Path, sound_pool: MakePool) -> None:
    pool = [
        replace(trace, answer=None, is_correct=None, problem=replace(trace.problem, answer=None))
        for trace in sound_pool(40)
    ]
    path = written(tmp_path, pool)
    with pytest.raises(InputError, match="no trace survives; 40 of 40 are dropped for 'no answer'"):
        curate(path, tmp_path / "out", CONFIG)
    report = curate(path, tmp_path / "out", replace(CONFIG, filters=Filters(format="off")))
    assert report.kept == 12
    accounted(report, 40)


def test_rows_of_one_id_are_told_apart(tmp_path: Path, sound_pool: MakePool) -> None:
    pool = [
        replace(trace, id="same", problem=replace(trace.problem, id="p", question=f"{trace.problem.question} ({n})"))
        for n, trace in enumerate(sound_pool(40))
    ]
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG)
    kept = Counter(trace.problem.question for trace in read_records(report.curated_path, Trace))
    assert len(kept) == 12
    accounted(report, 40)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_student_scores_that_are_no_numbers_are_refused_or_left_out(
    value: float, tmp_path: Path, sound_pool: MakePool
) -> None:
    def read(traces: list[Trace]) -> Any:
        scores = np.tile(np.linspace(0.5, 1.0, len(traces))[:, None], (1, len(STUDENT_MEASURES)))
        scores[0] = value
        return scores

    report = curate(written(tmp_path, sound_pool(40)), tmp_path / "out", CONFIG, read_traces=read)
    assert np.isfinite(read_survivors(report.survivors_path).scores.suitability).all()
    accounted(report, 40)
