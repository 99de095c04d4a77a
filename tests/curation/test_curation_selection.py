"""Quotas, difficulty and the joint choice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation import CurationConfig
from workbench.curation.columns import Columns, Row
from workbench.curation.describe import describe
from workbench.curation.difficulty import difficulty
from workbench.curation.quotas import band_targets, even_parts, quotas
from workbench.curation.scores import score
from workbench.curation.selection import objective, select
from workbench.curation.text import question_words
from workbench.records import Step, Trace


def rows_of(traces: list[Trace]) -> Columns:
    return Columns.of([describe(trace, question_words(trace.problem), trace.is_correct is True) for trace in traces])


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 30), min_size=1), st.integers(0, 200), st.integers(0, 3)
)
def test_even_parts_are_even_within_capacity(capacities: dict[str, int], size: int, seed: int) -> None:
    parts = even_parts(capacities, size, seed)
    assert sum(parts.values()) == min(size, sum(capacities.values()))
    assert all(0 <= parts[name] <= capacities[name] for name in capacities)
    open_parts = [parts[name] for name in capacities if parts[name] < capacities[name]]
    assert not open_parts or max(parts.values()) - min(open_parts) <= 1


@given(st.integers(0, 500), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_band_targets_sum_to_the_size(size: int, shares: list[int]) -> None:
    mix = [share / sum(shares) for share in shares]
    targets = band_targets(size, mix)
    assert sum(targets) == size
    assert all(abs(target - size * share) < 1 for target, share in zip(targets, mix, strict=True))


def test_quotas_follow_domains_before_sources(sound_pool: Callable[[int], list[Trace]]) -> None:
    parts = quotas(rows_of(sound_pool(400)), 90, seed=0)
    assert {quota: part for quota, part in parts.items() if quota[0] != "arithmetic"} == {
        ("algebra", "ages"): 30,
        ("language", "words"): 30,
    }
    assert parts["arithmetic", "sums"] == parts["arithmetic", "legs"] == 15


def test_difficulty_is_relative_to_the_source(sound_pool: Callable[[int], list[Trace]]) -> None:
    rows = rows_of(sound_pool(400))
    scores, bands = difficulty(rows)
    for source in range(len(rows.source.names)):
        places = np.flatnonzero(rows.source.codes == source)
        assert abs(np.mean(scores[places])) < 1e-6
        assert all(25 <= count <= 42 for count in np.bincount(bands[places], minlength=3))
    levels = [np.mean(rows.structure[bands == wanted, 0]) for wanted in range(3)]
    assert levels[0] < levels[1] < levels[2]


def test_equal_rows_share_a_band_and_missing_levels_do_no_harm(sound_pool: Callable[[int], list[Trace]]) -> None:
    trace = sound_pool(1)[0]
    bare = replace(trace, problem=replace(trace.problem, metadata={"level": None}))
    scores, bands = difficulty(rows_of([bare] * 9))
    assert set(scores) == {0.0}
    assert set(bands) == {1}
    assert (
        rows_of([replace(trace, problem=replace(trace.problem, metadata={"level": "Level 5"}))]).structure[0, 0] == 5.0
    )


def test_greedy_is_at_least_half_of_the_best(sound_pool: Callable[[int], list[Trace]]) -> None:
    rows = rows_of([trace for trace in sound_pool(40) if trace.problem.source == "ages"])
    scores, config = score(rows), CurationConfig(size=3)
    chosen = [choice.place for choice in select(rows, scores, config)]
    best = max(objective(rows, scores, config, places) for places in itertools.combinations(range(len(rows)), 3))
    assert objective(rows, scores, config, chosen) >= best / 2


def test_gains_sum_to_the_objective_and_never_grow(sound_pool: Callable[[int], list[Trace]]) -> None:
    rows = rows_of(sound_pool(200))
    scores, config = score(rows), CurationConfig(size=50)
    choices = select(rows, scores, config)
    gains = [sum(choice.gains.values()) for choice in choices]
    assert sum(gains) == pytest.approx(objective(rows, scores, config, [choice.place for choice in choices]), abs=1e-3)
    by_quota: dict[tuple[str, str], list[float]] = {}
    for choice, gain in zip(choices, gains, strict=True):
        by_quota.setdefault(choice.quota, []).append(gain)
    assert all(later <= earlier + 1e-5 for part in by_quota.values() for earlier, later in itertools.pairwise(part))
    assert [choice.rank for choice in choices] == list(range(1, 51))


def test_bands_follow_the_mix(sound_pool: Callable[[int], list[Trace]]) -> None:
    rows = rows_of(sound_pool(800))
    scores = score(rows)
    for mix, wanted in (((1.0, 0.0, 0.0), {0: 60}), ((0.5, 0.25, 0.25), {0: 30, 1: 15, 2: 15})):
        config = CurationConfig(size=60, difficulty_mix=mix, difficulty_weight=5)
        counts = Counter(int(scores.band[choice.place]) for choice in select(rows, scores, config))
        assert all(abs(counts[band] - count) <= 4 for band, count in wanted.items())


def test_each_weight_buys_its_criterion(sound_pool: Callable[[int], list[Trace]]) -> None:
    traces = [trace if index % 5 else replace(trace, is_correct=None) for index, trace in enumerate(sound_pool(400))]
    rows = rows_of([replace(trace, problem=replace(trace.problem, answer=None)) for trace in traces])
    scores = score(rows)

    def chosen(**weights: float) -> list[int]:
        return [choice.place for choice in select(rows, scores, CurationConfig(size=40, **weights))]  # type: ignore[arg-type]

    quality = chosen(difficulty_weight=0, diversity_weight=0)
    diversity = chosen(difficulty_weight=0, quality_weight=0)
    assert rows.is_verified[quality].all()
    assert np.mean(scores.quality[quality]) > np.mean(scores.quality[diversity])
    assert set(rows.features[diversity, 0]) == set(rows.features[:, 0])


def test_new_strategies_are_preferred(sound_pool: Callable[[int], list[Trace]]) -> None:
    traces = [trace for trace in sound_pool(200) if trace.problem.source == "sums"]
    plain = [replace(trace, steps=(Step(role="strategy", text="Add."), *trace.steps[1:])) for trace in traces]
    rare = replace(plain[30], steps=(Step(role="strategy", text="Guess and mend the guess."), *plain[30].steps[1:]))
    rows = rows_of([*plain[:30], rare, *plain[31:]])
    choices = select(rows, score(rows), CurationConfig(size=5))
    assert 30 in {choice.place for choice in choices}


@given(st.integers(0, 5), st.integers(1, 30))
def test_a_choice_never_repeats_and_fills_its_size(seed: int, size: int) -> None:
    rows = Columns.of([
        Row(
            domain="ab"[i % 2], source="xyz"[i % 3], license="mit", teacher="t", strategy=str(i % 5),
            features=(f"strategy {i % 5}", "l", "o"), structure=(float("nan"), i % 4, 1, 2, 30), length=0, tokens=0,
            is_verified=False, has_check=False, question_length=9, question_hash=bytes([i] * 16),
            content_hash=bytes([i] * 16),
        )
        for i in range(20)
    ])  # fmt: skip
    config = CurationConfig(size=size, seed=seed)
    places = [choice.place for choice in select(rows, score(rows), config)]
    assert len(places) == len(set(places)) == min(size, 20)
    assert places == [choice.place for choice in select(rows, score(rows), config)]
