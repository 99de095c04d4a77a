"""Intervals, the paired test and the verdict, against definitions and simulations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.evaluation.statistics import (
    Estimate,
    Gain,
    accuracy,
    gap_closed,
    holm,
    mcnemar,
    paired_gain,
    verdict,
)

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=60)


@given(st.lists(st.booleans(), max_size=200))
def test_the_wilson_interval_holds_the_estimate_and_is_never_certain(correct: list[bool]) -> None:
    estimate = accuracy(correct)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high - estimate.low > 0
    assert estimate.n == len(correct)


def test_wilson_against_the_formula() -> None:
    n, right, z = 37, 11, 1.959963984540054
    centre = (right / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(right / n * (1 - right / n) / n + z * z / (4 * n * n))
    estimate = accuracy([True] * right + [False] * (n - right))
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half))


def test_no_problems_tell_nothing() -> None:
    assert accuracy([]) == Estimate(0.0, 0.0, 1.0, 0)
    nothing = paired_gain([], [], seed=0)
    assert nothing == Gain(0.0, -1.0, 1.0, 1.0, 0, 0, 0)
    assert verdict(nothing) == "cannot tell"


@settings(max_examples=60)
@given(PAIRS, st.integers(0, 2**32 - 1), st.booleans())
def test_swapping_the_arms_flips_the_sign(pairs: list[tuple[bool, bool, str]], seed: int, stratified: bool) -> None:
    base, student, families = map(list, zip(*pairs, strict=True))
    strata = families if stratified else None
    gain = paired_gain(base, student, strata=strata, seed=seed, resamples=1000)
    swapped = paired_gain(student, base, strata=strata, seed=seed, resamples=1000)
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    assert gain.low < gain.high
    assert swapped.value == -gain.value
    assert swapped.p_value == pytest.approx(gain.p_value)
    assert (swapped.rescued, swapped.broken) == (gain.broken, gain.rescued)
    assert (swapped.low, swapped.high) == pytest.approx((-gain.high, -gain.low))
    opposite = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}
    assert verdict(swapped) == opposite[verdict(gain)]


@given(st.integers(0, 7), st.integers(0, 7))
def test_mcnemar_is_the_share_of_sign_patterns_no_likelier(rescued: int, broken: int) -> None:
    flips = rescued + broken
    ways = [sum(signs) for signs in itertools.product((0, 1), repeat=flips)]
    likely = math.comb(flips, rescued)
    expected = sum(math.comb(flips, way) <= likely for way in ways) / len(ways)
    assert mcnemar(rescued, broken) == pytest.approx(expected)


def test_same_seed_same_interval_in_any_order_of_strata() -> None:
    generator = np.random.default_rng(3)
    base, student = generator.random(90) < 0.3, generator.random(90) < 0.5
    families = [f"family {i % 6}" for i in range(90)]
    gain = paired_gain(base.tolist(), student.tolist(), strata=families, seed=5)
    order = generator.permutation(90)
    shuffled = paired_gain(base[order].tolist(), student[order].tolist(), strata=[families[i] for i in order], seed=5)
    assert gain == shuffled
    assert gain != paired_gain(base.tolist(), student.tolist(), strata=families, seed=6)


def test_strata_narrow_the_interval_where_families_differ() -> None:
    base = [False] * 100
    student = [i < 50 or i % 10 == 0 for i in range(100)]
    families = ["gains" if i < 50 else "does not" for i in range(100)]
    apart = paired_gain(base, student, strata=families, seed=0)
    pooled = paired_gain(base, student, seed=0)
    assert apart.value == pooled.value == 0.55
    assert apart.high - apart.low < 0.8 * (pooled.high - pooled.low)


@pytest.mark.parametrize("stratified", [False, True])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(stratified: bool) -> None:
    generator = np.random.default_rng(11)
    families = np.repeat(np.arange(8), 8)
    rescue, break_ = np.linspace(0.05, 0.5, 8)[families], np.linspace(0.15, 0.02, 8)[families]
    truth = float((rescue - break_).mean())
    covered = 0
    for repeat in range(200):
        draw = generator.random(64)
        base = draw < break_
        student = (draw > 1 - rescue) | ((generator.random(64) < 0.5) & (draw > 0.3) & (draw < 0.4))
        base |= student & (draw < 0.5)
        strata = families.astype(str).tolist() if stratified else None
        gain = paired_gain(base.tolist(), student.tolist(), strata=strata, seed=repeat, resamples=1000)
        covered += gain.low <= truth <= gain.high
    assert 0.9 <= covered / 200 <= 0.99


def test_no_flips_is_not_certainty() -> None:
    gain = paired_gain([True, False] * 10, [True, False] * 10, strata=["a", "b"] * 10, seed=0)
    assert gain.value == 0
    assert gain.low == pytest.approx(-(1 - 0.025 ** (1 / 20)))
    assert gain.high == -gain.low
    assert verdict(gain) == "cannot tell"


def test_a_stratum_of_one_is_pooled_with_its_like() -> None:
    base, student = [False] * 12, [True] * 6 + [False] * 6
    alone = paired_gain(base, student, strata=[str(i) for i in range(12)], seed=0)
    together = paired_gain(base, student, seed=0)
    assert (alone.low, alone.high) == (together.low, together.high)


@pytest.mark.parametrize(
    ("flips", "expected"),
    [((4, 0), "cannot tell"), ((12, 0), "better"), ((0, 12), "worse"), ((9, 7), "cannot tell")],
)
def test_verdicts(flips: tuple[int, int], expected: str) -> None:
    rescued, broken = flips
    same = 64 - rescued - broken
    base = [False] * rescued + [True] * broken + [True] * same
    student = [True] * rescued + [False] * broken + [True] * same
    gain = paired_gain(base, student, seed=0)
    assert (gain.rescued, gain.broken) == flips
    assert verdict(gain) == expected
    assert verdict(gain, p_value=0.5) == "cannot tell"


def test_gap_closed() -> None:
    assert gap_closed(0.2, 0.6, 1.0) == pytest.approx(0.5)
    assert gap_closed(0.2, 0.1, 1.0) == pytest.approx(-0.125)
    assert gap_closed(0.4, 0.6, 0.4) is None
    assert gap_closed(0.4, 0.3, 0.2) is None


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_against_its_definition(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    count = len(p_values)
    ranked = sorted(range(count), key=lambda i: (p_values[i], i))
    for rank, i in enumerate(ranked):
        expected = max((count - k) * p_values[ranked[k]] for k in range(rank + 1))
        assert adjusted[i] == pytest.approx(min(expected, 1.0))
    assert all(new >= old for new, old in zip(adjusted, p_values, strict=True))


@pytest.mark.parametrize("bad", [[0.1, float("nan")], [-0.1], [1.5]])
def test_holm_refuses_what_is_no_probability(bad: list[float]) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        holm(bad)


def test_unpaired_results_are_refused() -> None:
    with pytest.raises(InputError, match="one of each per problem"):
        paired_gain([True], [True, False], seed=0)
    with pytest.raises(InputError, match="one of each per problem"):
        paired_gain([True], [True], strata=["a", "b"], seed=0)
    with pytest.raises(InputError, match="at least 100"):
        paired_gain([True], [True], seed=0, resamples=3)
