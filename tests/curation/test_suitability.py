"""What a student says of some rows, carried over to the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.curation import STUDENT_MEASURES, CurationConfig, curate, read_survivors
from workbench.curation.columns import Columns
from workbench.curation.describe import describe
from workbench.curation.difficulty import difficulty
from workbench.curation.suitability import StudentScores, predicted, sample_rows
from workbench.curation.text import question_words
from workbench.errors import InputError
from workbench.records import Trace, rendered_text, write_records

MakePool = Callable[[int], list[Trace]]
NAN = float("nan")


def rows_of(traces: list[Trace]) -> Columns:
    return Columns.of([describe(trace, question_words(trace.problem), True) for trace in traces])


def measures(rows: Columns, noise: float = 0.0) -> np.ndarray:
    """A student to whom families differ, and hard or long rows are more surprising."""
    hard, _ = difficulty(rows)
    rng = np.random.default_rng(0)
    surprisal = 1.0 + rows.source.codes + 0.3 * hard + 0.2 * np.log(rows.length) + noise * rng.normal(size=len(rows))
    unknown = np.full(len(rows), NAN)
    return np.stack([surprisal, 3 * surprisal, surprisal + 0.5, unknown], axis=1)


def test_the_sample_is_spread_over_families_and_bands(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(400))
    _, bands = difficulty(rows)
    places = sample_rows(rows, bands, 48, seed=1)
    counts = Counter(zip(rows.source.take(places).values(), bands[places].tolist(), strict=True))
    assert set(counts.values()) == {4}
    assert len(counts) == 12
    assert len(sample_rows(rows, bands, 4_000, seed=1)) == 400


def test_predictions_follow_family_and_difficulty_and_their_fit_is_told(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(400))
    hard, bands = difficulty(rows)
    truth, places = measures(rows, noise=0.05), sample_rows(rows, bands, 120, seed=0)
    scores = predicted(rows, hard, places, truth[places], seed=0)
    unread = ~scores.was_read
    error = scores.measures_NM[unread, 0] - truth[unread, 0]
    assert np.sqrt((error**2).mean()) < 0.1
    assert scores.fit["surprisal"] == pytest.approx(1 - 0.05**2 / truth[:, 0].var(), abs=0.02)
    assert scores.fit["pass_rate"] is None
    assert np.array_equal(scores.measures_NM[places, :3], truth[places, :3].round(6))
    assert scores.summary()["read"] == 120


def test_noise_cannot_be_predicted_and_the_fit_says_so(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(200))
    hard, bands = difficulty(rows)
    places = sample_rows(rows, bands, 100, seed=0)
    random = np.random.default_rng(3).random((100, len(STUDENT_MEASURES)))
    fit = predicted(rows, hard, places, random, seed=0).fit
    assert all(value is not None and value < 0.1 for value in fit.values())


def test_suitability_is_a_band_and_what_is_not_known_is_neutral() -> None:
    surprisal = np.linspace(0.1, 4, 101)
    unknown = np.full(101, NAN)
    fits = StudentScores(np.stack([surprisal, unknown, unknown, unknown], axis=1), np.ones(101, dtype=bool), {})
    suitability = fits.suitability()
    assert suitability[45] == 1.0
    assert suitability[0] < 0.1
    assert suitability[-1] < 0.1
    rates = np.array([0.0, 0.5, 1.0, NAN])
    nothing = np.full(4, NAN)
    tried = StudentScores(np.stack([nothing, nothing, nothing, rates], axis=1), np.ones(4, dtype=bool), {})
    assert tried.suitability().tolist() == [0.0, 1.0, 0.0, 0.5]


def test_a_low_ratio_and_a_low_local_surprisal_are_good() -> None:
    rising, unknown = np.arange(1.0, 6.0), np.full(5, NAN)
    for column in (1, 2):
        parts = [unknown] * 4
        parts[column] = rising
        scores = StudentScores(np.stack(parts, axis=1), np.ones(5, dtype=bool), {})
        assert np.all(np.diff(scores.suitability()) < 0)


def test_measures_of_another_shape_are_refused(sound_pool: MakePool) -> None:
    rows = rows_of(sound_pool(12))
    with pytest.raises(InputError, match=r"shape \(3, 2\); they must have \(3, 4\)"):
        predicted(rows, np.zeros(12), np.arange(3), np.zeros((3, 2)), seed=0)


def test_curation_asks_the_student_for_its_sample_and_chooses_by_it(sound_pool: MakePool, tmp_path: Path) -> None:
    write_records(tmp_path / "pool.jsonl", sound_pool(240))
    asked: list[int] = []

    def read(traces: Sequence[Trace]) -> np.ndarray:
        asked.append(len(traces))
        lengths = np.array([float(len(rendered_text(trace))) for trace in traces])
        return np.stack([lengths, lengths, lengths, np.full(len(traces), NAN)], axis=1)

    config = CurationConfig(size=40, student_sample=60, suitability_weight=5)
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", config, read_traces=read)
    blind = curate(tmp_path / "pool.jsonl", tmp_path / "blind", config)
    assert asked == [60]
    assert report.student is not None
    assert report.student["predicted"] == 180
    assert "60 survivors read, 180 predicted" in "\n".join(report.lines())
    survivors = read_survivors(report.survivors_path)
    assert report.selected.mean_suitability > survivors.scores.suitability.mean() + 0.05
    assert blind.student is None
    assert blind.selected.mean_suitability == 0
    assert sum(pq.read_table(report.kept_path)["suitability_gain"].to_pylist()) > 0
