"""The greedy choice: it is that of counting everything at every turn, and it beats a draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.curation.greedy import Objective, Selection, Selector
from workbench.errors import InputError

CRITERIA = ("spread", "share", "worth")


def random_objective(seed: int, rows: int = 60, quotas: int = 3) -> Objective:
    """Rows with four features (two of them capped), few values of each, and many equal scores."""
    rng = np.random.default_rng(seed)
    quota_N = rng.integers(0, quotas, rows)
    sizes_Q = np.minimum(np.bincount(quota_N, minlength=quotas), rng.integers(0, 9, quotas))
    slots_SN = np.stack([rng.integers(0, 5, rows), rng.integers(5, 9, rows), rng.integers(9, 12, rows)])
    return Objective(
        criteria=CRITERIA, quota_N=quota_N, sizes_Q=sizes_Q, slots_SN=slots_SN.astype(np.int32),
        criterion_F=np.array([0] * 9 + [1] * 3), share_F=np.array([0.0, *rng.choice([0.5, 1.0], 11)]),
        target_F=np.array([-1] * 9 + [1, 2, 0]), tie_N=rng.permutation(rows),
        scores_CN=np.stack([np.zeros(rows), np.zeros(rows), rng.choice([0.0, 0.3, 1.0], rows)]),
    )  # fmt: skip


def naive(objective: Objective, weights: dict[str, float]) -> list[int]:
    """Counts every row of the quota whose turn it is, in whole units, without bounds or pools."""
    weight_C = [weights[name] for name in CRITERIA]
    counts, chosen = np.zeros(len(objective.share_F), dtype=int), list[int]()

    def worth(feature: int) -> int:
        target = objective.target_F[feature]
        growth = np.sqrt(counts[feature] + 1) - np.sqrt(counts[feature]) if target < 0 else counts[feature] < target
        return round(1e8 * weight_C[objective.criterion_F[feature]] * objective.share_F[feature] * growth)

    turns = sorted(
        ((turn + 0.5) / size, quota) for quota, size in enumerate(objective.sizes_Q) for turn in range(int(size))
    )
    for _, quota in turns:
        gains = {}
        for row in np.flatnonzero(objective.quota_N == quota):
            if row not in chosen:
                fixed = sum(round(1e8 * w * s) for w, s in zip(weight_C, objective.scores_CN[:, row], strict=True))
                gains[row] = fixed + sum(worth(feature) for feature in objective.slots_SN[:, row] if feature)
        best = max(gains, key=lambda row: (gains[row], -objective.tie_N[row]))
        for feature in objective.slots_SN[:, best]:
            counts[feature] += 1
        chosen.append(int(best))
    return chosen


@given(st.integers(0, 10_000), st.lists(st.sampled_from([0.0, 0.4, 1.0, 7.0]), min_size=3, max_size=3))
@settings(max_examples=60)
def test_the_choice_is_that_of_the_naive_greedy(seed: int, weights: list[float]) -> None:
    objective, named = random_objective(seed), dict(zip(CRITERIA, weights, strict=True))
    assert Selector(objective).reselect(named).places_K.tolist() == naive(objective, named)


def test_bounds_do_not_change_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = random_objective(5, rows=600, quotas=2)
    objective = replace(objective, sizes_Q=np.array([80, 60]))
    weights = {"spread": 1.0, "share": 0.5, "worth": 0.01}
    wanted = naive(objective, weights)
    for pool in (1, 7, 10_000):
        monkeypatch.setattr("workbench.curation.greedy._POOL", pool)
        assert Selector(objective).reselect(weights).places_K.tolist() == wanted


@given(st.integers(0, 1_000))
@settings(max_examples=25)
def test_the_choice_beats_draws_of_the_same_quotas(seed: int) -> None:
    objective, rng = random_objective(seed), np.random.default_rng(seed)
    weights = dict.fromkeys(CRITERIA, 1.0)
    selector = Selector(objective)
    best = selector.reselect(weights)
    draws = [
        selector.value(np.concatenate([
            rng.permutation(np.flatnonzero(objective.quota_N == quota))[:size]
            for quota, size in enumerate(objective.sizes_Q)
        ]).tolist(), weights).value
        for _ in range(10)
    ]  # fmt: skip
    assert best.value >= np.mean(draws) - 1e-6


def test_gains_are_those_of_the_value_and_belong_to_their_criteria() -> None:
    objective = random_objective(2)
    weights = {"spread": 1.0, "share": 2.0, "worth": 3.0}
    selector = Selector(objective)
    selection = selector.reselect(weights)
    again: Selection = selector.value(selection.places_K.tolist(), weights)
    assert np.array_equal(again.gains_KC, selection.gains_KC)
    assert np.allclose(selection.gains_KC[:, 2], 3.0 * objective.scores_CN[2, selection.places_K], atol=1e-7)
    assert selector.reselect({"worth": 1.0}).gains_KC[:, :2].sum() == 0


def test_turns_fill_all_quotas_alike() -> None:
    objective = replace(random_objective(1, rows=90), sizes_Q=np.array([4, 8, 2]))
    places = Selector(objective).reselect(dict.fromkeys(CRITERIA, 1.0)).places_K
    assert np.bincount(objective.quota_N[places[:7]], minlength=3).tolist() == [2, 4, 1]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"beauty": 1.0}, "no criterion 'beauty' to weigh; there are spread, share, worth"),
        ({"spread": float("nan")}, "the weight of spread is nan; it must be from 0 to 1,000"),
        ({"spread": -1.0}, "must be from 0 to 1,000"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(weights: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Selector(random_objective(0)).reselect(weights)
