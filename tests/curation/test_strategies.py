"""Baselines behind one argument, and choosing anew from what was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.curation import STRATEGIES, CurationConfig, curate, read_survivors, selector
from workbench.curation.columns import Columns
from workbench.curation.describe import describe
from workbench.curation.scores import score
from workbench.curation.strategies import S1_STAND_IN, choose
from workbench.curation.text import question_words
from workbench.errors import InputError
from workbench.records import Trace, read_records, write_records

MakePool = Callable[[int], list[Trace]]


def rows_of(traces: list[Trace]) -> Columns:
    return Columns.of([describe(trace, question_words(trace.problem), True) for trace in traces])


def written(folder: Path, traces: list[Trace]) -> Path:
    write_records(folder / "pool.jsonl", traces)
    return folder / "pool.jsonl"


def chosen(rows: Columns, **settings: object) -> list[int]:
    config, scores = CurationConfig(size=40, **settings), score(rows)  # type: ignore[arg-type]
    return choose(rows, scores, config, selector(rows, scores, config)).places_K.tolist()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_fills_the_size_and_depends_on_content_alone(strategy: str, sound_pool: MakePool) -> None:
    traces = sound_pool(300)
    rows, turned = rows_of(traces), rows_of(traces[::-1])
    places = chosen(rows, strategy=strategy)
    assert len(set(places)) == len(places) == 40
    assert {rows.hash_bytes(place) for place in places} == {
        turned.hash_bytes(place) for place in chosen(turned, strategy=strategy)
    }


def test_each_strategy_does_what_its_name_says(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(400))
    scores = score(rows)
    longest = chosen(rows, strategy="longest")
    assert rows.length[longest].min() >= np.sort(rows.length)[-41]
    hard = chosen(rows, strategy="s1")
    assert set(scores.band[hard]) == {2}
    of_band = rows.length[scores.band == 2].mean()
    assert rows.length[hard].mean() > of_band
    diverse = chosen(rows, strategy="diverse")
    config = CurationConfig(size=40)
    joint = selector(rows, scores, config)
    values = [
        joint.value(places, {"diversity": 1.0}).value
        for places in (diverse, chosen(rows), chosen(rows, strategy="random"))
    ]
    assert values == sorted(values, reverse=True)


def test_s1_takes_what_the_student_never_solved_where_that_is_known(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(200))
    rates = np.full(len(rows), np.nan)
    rates[::4], rates[1::4] = 0.0, 0.5
    scores, config = score(rows, pass_rate=rates), CurationConfig(size=60, strategy="s1")
    places = choose(rows, scores, config, selector(rows, scores, config)).places_K
    assert set(range(0, 200, 4)) <= set(places.tolist())
    assert len(places) == 60


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_strategies_write_the_same_files(strategy: str, sound_pool: MakePool, tmp_path: Path) -> None:
    pool = written(tmp_path, sound_pool(120))
    report = curate(pool, tmp_path / "out", CurationConfig(size=20, strategy=strategy))  # type: ignore[arg-type]
    kept = pq.read_table(report.kept_path).to_pylist()
    ids = {trace.id for trace in read_records(report.curated_path, Trace)}
    assert {row["id"] for row in kept} == ids
    assert sorted(row["rank"] for row in kept) == list(range(1, 21))
    gains = sum(row[f"{name}_gain"] for row in kept for name in report.config.weights)
    assert gains == pytest.approx(report.selected.objective, abs=1e-3)
    dropped = pq.read_table(report.dropped_path)
    assert dropped.num_rows + len(kept) == report.read == 120
    assert (S1_STAND_IN in report.warnings) is (strategy == "s1")
    if strategy != "joint":
        assert f"not among the 20 that strategy {strategy} took" in dropped["detail"].to_pylist()


def test_choosing_anew_from_the_folder_is_choosing_from_the_pool(sound_pool: MakePool, tmp_path: Path) -> None:
    pool = written(tmp_path, sound_pool(200))
    config = CurationConfig(size=30, seed=4)
    report = curate(pool, tmp_path / "out", config)
    survivors = read_survivors(report.survivors_path)
    again = selector(survivors.rows, survivors.scores, config)
    assert again.reselect(config.weights).places_K.tolist() == survivors.kept.tolist()
    other = replace(config, difficulty_weight=0.0, quality_weight=9.0)
    wanted = read_survivors(curate(pool, tmp_path / "other", other).survivors_path)
    assert again.reselect(other.weights).places_K.tolist() == wanted.kept.tolist()
    assert wanted.kept.tolist() != survivors.kept.tolist()


def test_scores_that_are_no_numbers_are_refused(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(8))
    suitability = np.array([0.5, np.nan, 0.1, np.inf, 0, 0, 0, 0])
    with pytest.raises(InputError, match="suitability is no number for 2 of 8 rows, first at place 1; leave such"):
        score(rows, suitability)


def test_another_file_is_no_survivors(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curate(written(tmp_path, sound_pool(40)), tmp_path / "out", CurationConfig(size=5))
    with pytest.raises(InputError, match=r"kept\.parquet has no column .*; curate again"):
        read_survivors(report.kept_path)
