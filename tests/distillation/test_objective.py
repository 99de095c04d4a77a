from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from workbench.distillation import SectionWeights, weighted_loss
from workbench.distillation.examples import batches
from workbench.errors import InputError
from workbench.records import SECTIONS


@given(sections=st.lists(st.integers(0, 3), min_size=1, max_size=900), seed=st.integers(0, 5))
@settings(max_examples=25)
def test_the_chunked_loss_and_gradient_equal_the_plain_ones(sections, seed):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(sections), 6, generator=generator, requires_grad=True)
    output = torch.nn.Linear(6, 11, bias=False)
    targets = torch.randint(0, 11, (len(sections),), generator=generator)
    where = torch.tensor(sections)
    weights = SectionWeights(strategy=0.3, tactic=1.0, check=0.7, answer=0.2)
    loss, gradient, terms = weighted_loss(hidden, targets, where, output, weights)

    losses = F.cross_entropy(output(hidden), targets, reduction="none")
    present = [index for index in range(len(SECTIONS)) if (where == index).any()]
    shares = {index: getattr(weights, SECTIONS[index]) for index in present}
    plain = sum(share * losses[where == index].mean() for index, share in shares.items()) / sum(shares.values())
    torch.testing.assert_close(loss, plain.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, torch.autograd.grad(plain, hidden)[0], rtol=1e-3, atol=1e-5)
    assert set(terms) == {SECTIONS[index] for index in present}


def test_a_long_section_does_not_drown_a_short_one():
    weights = SectionWeights(strategy=1, tactic=1, check=0, answer=0)
    per_token = weights.per_token(torch.tensor([0] * 2 + [1] * 200))
    assert per_token[:2].sum().item() == pytest.approx(0.5)


@pytest.mark.parametrize("wrong", [{"strategy": -1.0}, {"tactic": float("nan")}])
def test_weights_that_make_no_sense_are_refused_by_name(wrong):
    with pytest.raises(InputError, match=rf"weights\.{next(iter(wrong))}"):
        SectionWeights(**wrong)


def test_all_weights_zero_is_refused():
    with pytest.raises(InputError, match="all 0"):
        SectionWeights(strategy=0, tactic=0, check=0, answer=0)


@given(lengths=st.lists(st.integers(1, 400), min_size=1, max_size=80), size=st.integers(1, 9), epoch=st.integers(0, 3))
def test_batches_hold_every_example_once_and_depend_on_the_arguments_alone(lengths, size, epoch):
    groups = batches(lengths, size, seed=5, epoch=epoch)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert max(map(len, groups)) <= size
    assert groups == batches(lengths, size, seed=5, epoch=epoch)


def test_batches_by_length_pad_little():
    lengths = np.random.default_rng(0).integers(50, 400, 800).tolist()
    groups = batches(lengths, 8, seed=0, epoch=0)
    padded = sum(max(lengths[i] for i in group) * len(group) for group in groups)
    assert padded < 1.15 * sum(lengths)
