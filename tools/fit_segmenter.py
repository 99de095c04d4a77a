"""``python -m tools.fit_segmenter`` fits the cues' weights on the development split, and writes them.

A conditional random field with a Gaussian prior, by L-BFGS. The strength of the prior is chosen by
cross-validation on the development split; the test split is not read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from tests.benchmarks.labelled import Labelled, development
from workbench.files import write_text
from workbench.pool.cues import cues, units
from workbench.pool.segmenter import ROLES, WEIGHTS, as_weights, best_path

GAPS = ("sentence", "line", "paragraph")
RARE = 3
"""A cue that fewer sentences have has no weight."""
WORKED_SHARE = 0.35
"""How much all worked traces together count beside those read by hand."""
PRIORS = (0.5, 2.0)
"""Strengths of the prior to choose from."""
LIMITS = {"maxiter": 80}


@dataclass(frozen=True, slots=True)
class Chain:
    """One text as numbers."""

    names: list[list[str]]
    """The cues of each sentence."""
    gaps: list[int]
    roles: list[int]
    """-1 where nobody labelled."""
    weight: float
    """How much it counts."""


def chain(text: Labelled, weight: float) -> Chain:
    """Returns a labelled text's sentences with their cues and roles."""
    found = units(text.text)
    roles = [
        next((ROLES.index(role) for start, end, role in text.parts if start < unit.end and unit.start < end), -1)
        for unit in found
    ]
    return Chain(cues(found), [GAPS.index(unit.gap) for unit in found], roles, weight)


def fit(data: Sequence[Chain], prior: float) -> dict[str, Any]:
    """Returns the weights, rounded, as `workbench.pool.segmenter.fitted` reads them."""
    counts = Counter(name for text in data for names in text.names for name in names)
    names = sorted(name for name, count in counts.items() if count >= RARE)
    places = {name: place for place, name in enumerate(names)}
    ids = [[[places[name] for name in each if name in places] for each in text.names] for text in data]
    start = np.zeros(len(names) * len(ROLES) + len(GAPS) * len(ROLES) ** 2)
    done = minimize(_loss, start, (data, ids, len(names), prior), jac=True, method="L-BFGS-B", options=LIMITS)
    own, follows = _parts(done.x, len(names))
    return {
        "roles": ROLES,
        "cues": {name: [round(float(value), 2) for value in own[places[name]]] for name in names},
        "follows": {gap: np.round(follows[place], 2).tolist() for place, gap in enumerate(GAPS)},
    }


def _loss(
    flat: np.ndarray, data: Sequence[Chain], ids: list[list[list[int]]], count: int, prior: float
) -> tuple[float, np.ndarray]:
    """The negative log-likelihood with its prior, and its gradient."""
    own, follows = _parts(flat, count)
    gradient = np.zeros_like(flat)
    own_gradient, follows_gradient = _parts(gradient, count)
    loss = 0.0
    for text, places in zip(data, ids, strict=True):
        scores = np.array([own[each].sum(axis=0) for each in places])
        steps = follows[text.gaps]
        free, each_free, pairs_free = _sums(scores, steps)
        held, each_held, pairs_held = _sums(_held(scores, text.roles), steps)
        loss += text.weight * (free - held)
        for place, cue_places in enumerate(places):
            own_gradient[cue_places] += text.weight * (each_free[place] - each_held[place])
        np.add.at(follows_gradient, text.gaps[1:], text.weight * (pairs_free - pairs_held))
    return loss + prior * float(flat @ flat), gradient + 2 * prior * flat


def _parts(flat: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Views of the weights of cues, and of those of role after role by gap."""
    split = count * len(ROLES)
    return flat[:split].reshape(count, len(ROLES)), flat[split:].reshape(len(GAPS), len(ROLES), len(ROLES))


def _held(scores: np.ndarray, roles: list[int]) -> np.ndarray:
    scores = scores.copy()
    for place, role in enumerate(roles):
        if role >= 0:
            scores[place, [other for other in range(len(ROLES)) if other != role]] = -1e9
    return scores


def _sums(scores: np.ndarray, steps: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Forward and backward: the log of the sum over all roles, and what each role and pair has of it."""
    forward, backward = np.zeros_like(scores), np.zeros_like(scores)
    forward[0] = scores[0]
    for place in range(1, len(scores)):
        forward[place] = scores[place] + _log_sum(forward[place - 1][:, None] + steps[place], 0)
    for place in range(len(scores) - 2, -1, -1):
        backward[place] = _log_sum(steps[place + 1] + (scores[place + 1] + backward[place + 1])[None, :], 1)
    total = float(_log_sum(forward[-1], 0))
    pairs = np.exp(forward[:-1, :, None] + steps[1:] + (scores[1:] + backward[1:])[:, None, :] - total)
    return total, np.exp(forward + backward - total), pairs


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis=axis)
    return np.log(np.exp(values - np.expand_dims(top, axis)).sum(axis=axis)) + top


def chains() -> tuple[list[Chain], list[Chain]]:
    """Returns the development split: what was read by hand, and worked traces, which count less."""
    worked, read = development()
    share = WORKED_SHARE * sum(len(text.parts) for text in read) / sum(len(text.parts) for text in worked)
    return [chain(text, 1.0) for text in read], [chain(text, share) for text in worked]


def cross_validated(prior: float, folds: int = 5) -> float:
    """Returns the agreement on what was read by hand, each trace judged by weights that have not seen it."""
    read, worked = chains()
    right = total = 0
    for fold in range(folds):
        kept = [text for place, text in enumerate(read) if place % folds != fold]
        weights = as_weights(fit([*kept, *worked], prior))
        for text in read[fold::folds]:
            said = best_path(text.names, [GAPS[gap] for gap in text.gaps], weights)
            pairs = [(role, ROLES.index(each)) for role, each in zip(text.roles, said, strict=True) if role >= 0]
            right, total = right + sum(role == each for role, each in pairs), total + len(pairs)
    return right / total


def main() -> None:
    """Chooses the prior, fits the weights and writes them."""
    scores = {prior: cross_validated(prior) for prior in PRIORS}
    for prior, score in scores.items():
        print(f"prior {prior}: agreement {score:.3f} in cross-validation")
    read, worked = chains()
    found = fit([*read, *worked], max(PRIORS, key=lambda prior: scores[prior]))
    write_text(WEIGHTS, json.dumps(found, indent=1) + "\n")
    print(f"{WEIGHTS}: {len(found['cues'])} cues, from {len(read) + len(worked)} traces")


if __name__ == "__main__":
    main()
