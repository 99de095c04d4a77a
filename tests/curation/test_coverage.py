"""Rows of like meaning are grouped, and a selection covers the groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from workbench.curation import CurationConfig, selector
from workbench.curation.columns import Columns
from workbench.curation.coverage import meaning_groups
from workbench.curation.describe import describe
from workbench.curation.scores import score
from workbench.curation.text import question_words
from workbench.errors import InputError
from workbench.records import Trace


def blobs(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around a few directions, and which direction each belongs to."""
    rng = np.random.default_rng(seed)
    names = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.linalg.qr(rng.normal(size=(16, 16)))[0][: len(sizes)]
    return (centres[names] + 0.05 * rng.normal(size=(len(names), 16))) * rng.uniform(1, 9, (len(names), 1)), names


def test_directions_are_found_whatever_the_lengths() -> None:
    vectors, names = blobs([40, 5, 80, 12])
    found = meaning_groups(vectors, 4)
    assert len(set(zip(found.tolist(), names.tolist(), strict=True))) == len(set(found.tolist())) == 4


def test_rows_without_meaning_have_no_group_and_equal_rows_share_one() -> None:
    vectors = np.zeros((5, 3))
    vectors[1:4] = [0, 2, 0]
    vectors[4] = np.nan
    assert meaning_groups(vectors, 8).tolist() == [-1, 0, 0, 0, -1]
    assert meaning_groups(np.zeros((0, 3))).tolist() == []
    with pytest.raises(InputError, match=r"shape \(3,\): give a table"):
        meaning_groups(np.ones(3))


def test_a_selection_covers_rare_meanings(sound_pool: Callable[[int], list[Trace]]) -> None:
    traces = [trace for trace in sound_pool(480) if trace.problem.source == "sums"]
    rows = Columns.of([describe(trace, question_words(trace.problem), True) for trace in traces])
    vectors, names = blobs([100, 4, 4, 4, 8])
    config = CurationConfig(size=15, difficulty_weight=0, quality_weight=0, length_weight=0)

    def covered(cluster: np.ndarray | None) -> Counter[int]:
        scores = score(rows, cluster=cluster)
        return Counter(names[selector(rows, scores, config).reselect(config.weights).places_K].tolist())

    with_meaning, without = covered(meaning_groups(vectors, 12)), covered(None)
    assert len(with_meaning) == 5
    assert with_meaning[0] < without[0]
