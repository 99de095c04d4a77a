from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from workbench.errors import InputError
from workbench.inference import Sampling
from workbench.inference.sampling import CANDIDATES, gumbel


def drawn(sampling: Sampling, logits: torch.Tensor, times: int = 4_000) -> Counter:
    places = [("problem", 0, position) for position in range(times)]
    return Counter(sampling.choose(logits.expand(times, -1), places))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [5, CANDIDATES + 200])
def test_tokens_are_drawn_with_their_probabilities(temperature, size):
    logits = torch.linspace(0, 3, size)[torch.randperm(size, generator=torch.Generator().manual_seed(1))]
    probabilities = (logits / temperature).softmax(-1).numpy()
    counts = drawn(Sampling(temperature=temperature, seed=2), logits)
    halves = np.argsort(-probabilities)[: size // 2]
    for group in (halves, halves[: size // 8 + 1]):
        share = sum(counts[int(token)] for token in group) / 4_000
        expected = probabilities[group].sum()
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 4_000) + 1e-9
    if size > CANDIDATES:
        assert sum(counts[int(token)] for token in np.argsort(-probabilities)[CANDIDATES:]) > 0


@pytest.mark.parametrize("size", [8, CANDIDATES + 300])
def test_top_p_and_min_p_keep_what_they_are_defined_to_keep(size):
    logits = torch.linspace(0, 1.5, size).flip(0)
    probabilities = logits.softmax(-1).numpy()
    nucleus = int((probabilities.cumsum() < 0.9).sum()) + 1
    likely = int((probabilities >= 0.5 * probabilities[0]).sum())
    assert size == 8 or nucleus > CANDIDATES  # beyond the candidates, so that all tokens must be looked at
    assert max(drawn(Sampling(temperature=1, top_p=0.9), logits)) == nucleus - 1
    assert max(drawn(Sampling(temperature=1, min_p=0.5), logits)) == likely - 1
    assert max(drawn(Sampling(temperature=1, min_p=0.5, top_p=0.9), logits)) == min(nucleus, likely) - 1


def test_cutting_off_does_not_change_the_noise_of_what_stays():
    logits = torch.randn(50, 40, generator=torch.Generator().manual_seed(0))
    places = [("p", 0, n) for n in range(50)]
    free = Sampling(temperature=1, seed=4).choose(logits, places)
    cut = Sampling(temperature=1, seed=4, top_p=0.95).choose(logits, places)
    assert sum(a == b for a, b in zip(free, cut, strict=True)) > 40


def test_a_tiny_nucleus_is_greedy():
    logits = torch.randn(20, 30, generator=torch.Generator().manual_seed(0))
    places = [("p", 0, n) for n in range(20)]
    assert Sampling(temperature=2, top_p=1e-9).choose(logits, places) == logits.argmax(-1).tolist()


def test_noise_depends_on_each_part_of_its_place():
    logits = torch.zeros(1, 1000)
    places = [("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1)]
    tokens = [Sampling(temperature=1).choose(logits, [place])[0] for place in places]
    tokens.append(Sampling(temperature=1, seed=1).choose(logits, places[:1])[0])
    assert len(set(tokens)) == 5
    assert Sampling(temperature=1).choose(logits.expand(4, -1), places) == tokens[:4]


def test_noise_is_gumbel():
    noise = gumbel(np.arange(300, dtype=np.uint64)[:, None], np.arange(300)[None])
    assert noise.mean() == pytest.approx(0.5772, abs=0.02)
    assert noise.std() == pytest.approx(np.pi / np.sqrt(6), abs=0.02)
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.2


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"temperature": float("nan")}, {"top_p": 0}, {"min_p": 1.5}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Sampling(**bad)
