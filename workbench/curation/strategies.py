"""The joint choice and the recipes that it has to beat, all behind one argument and with the same outputs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from workbench.curation.columns import Columns
from workbench.curation.config import BANDS, CurationConfig
from workbench.curation.difficulty import Ints, groups
from workbench.curation.greedy import Selection, Selector
from workbench.curation.scores import Scores
from workbench.curation.selection import seeded_order

S1_STAND_IN = "strategy s1: no pass rates are known, so the hardest band stands in for what both models get wrong"


def choose(
    rows: Columns, scores: Scores, config: CurationConfig, selector: Selector,
    step: Callable[[Ints], Iterable[int]] = iter,
) -> Selection:  # fmt: skip
    """Returns the rows that ``config.strategy`` chooses; gains are always the joint objective's.

    - ``joint``: see `workbench.curation.selection`.
    - ``random``: drawn from all survivors alike.
    - ``longest``: the longest traces of all.
    - ``s1``: of what is hard, a domain at random, then one of its longest (arXiv 2501.19393, section 2.2). There,
      hard means that two models fail; here, that the student never succeeded, or the hardest band, see
      `S1_STAND_IN`. Where too few are hard, the others follow.
    - ``diverse``: the joint objective's diversity alone, without quotas.

    Args:
        rows: the survivors.
        scores: of them.
        config: strategy, size, seed and weights.
        selector: of the joint objective over the same rows.
        step: wraps the turns of the joint choice, to show progress.
    """
    if config.strategy == "joint":
        return selector.reselect(config.weights, step)
    size = min(config.size, len(rows))
    order = seeded_order(rows, config.seed)
    if config.strategy == "random":
        places = random_draw(rows, size, config.seed)
    elif config.strategy == "longest":
        places = order[np.argsort(-rows.length[order], kind="stable")][:size]
    elif config.strategy == "s1":
        places = _hard_and_long(rows, scores, size, config.seed, order)
    else:
        places = _diverse(selector, size)
    return selector.value(places, config.weights)


def random_draw(rows: Columns, size: int, seed: int) -> Ints:
    """Returns the places of some rows at random, whatever order the pool was in."""
    return np.array(random.Random(seed).sample(seeded_order(rows, 0).tolist(), size), dtype=np.int64)


def _diverse(selector: Selector, size: int) -> Ints:
    joint = selector.objective
    free = replace(joint, quota_N=np.zeros_like(joint.quota_N), sizes_Q=np.array([size], dtype=np.int64))
    return Selector(free).reselect({"diversity": 1.0}).places_K


def _hard_and_long(rows: Columns, scores: Scores, size: int, seed: int, order: Ints) -> Ints:
    rng, chosen = random.Random(seed), list[int]()
    for tier in _tiers(scores):
        wanted = size - len(chosen)
        inside = order[tier[order]]
        inside = inside[np.argsort(rows.length[inside], kind="stable")]
        by_domain = [inside[places].tolist() for places in groups(rows.domain.take(inside))]
        by_domain.sort(key=lambda places: rows.domain[places[0]])
        chosen += _longer_preferred(by_domain, wanted, rng)
    return np.array(chosen, dtype=np.int64)


def _tiers(scores: Scores) -> list[np.ndarray]:
    """What s1 takes from first, and what follows where that is not enough."""
    hardest = [scores.band == band for band in reversed(range(len(BANDS)))]
    if scores.pass_rate is None or not (scores.pass_rate == 0).any():
        return hardest
    failed = scores.pass_rate == 0
    return [failed, *(band & ~failed for band in hardest)]


def _longer_preferred(by_domain: list[list[int]], size: int, rng: random.Random) -> list[int]:
    """A domain at random, then its longest with probability 1/2, the next with 1/4, and so on.

    Args:
        by_domain: each domain's rows, the longest last; they are used up.
        size: rows to take, at most all of them.
        rng: draws.
    """
    chosen = list[int]()
    left = [places for places in by_domain if places]
    while left and len(chosen) < size:
        places = rng.choice(left)
        back = 1
        while back < len(places) and rng.random() < 0.5:
            back += 1
        chosen.append(places.pop(-back))
        left = [each for each in left if each]
    return chosen
