from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from workbench.students.attention import grouped_attention


@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (6, 2), (3, 1)])
@pytest.mark.parametrize("length", [1, 5])
def test_grouped_attention_equals_attention_with_repeated_keys(heads, groups, length):
    torch.manual_seed(0)
    query = torch.randn(3, heads, length, 8)
    key, value = torch.randn(2, 3, groups, 9, 8).unbind()
    mask = torch.rand(3, 1, length, 9) > 0.3
    mask[..., 0] = True
    repeats = heads // groups
    expected = F.scaled_dot_product_attention(
        query, key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1), attn_mask=mask
    )
    got, _ = grouped_attention(torch.nn.Identity(), query, key, value, mask)
    torch.testing.assert_close(got.transpose(1, 2), expected)


def test_without_a_mask_it_is_causal():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 6, 8).unbind()
    expected = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    got, _ = grouped_attention(torch.nn.Identity(), query, key, value, None)
    torch.testing.assert_close(got.transpose(1, 2), expected)


@pytest.mark.parametrize("masked", [True, False])
def test_caps_and_sinks_change_attention_as_they_are_defined(masked):
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 4, 5, 8), *torch.randn(2, 2, 2, 5, 8).unbind()
    causal = torch.ones(5, 5, dtype=torch.bool).tril()
    sinks = torch.randn(4)
    mask = causal[None, None] if masked else None
    got, _ = grouped_attention(torch.nn.Identity(), query, key, value, mask, 0.3, softcap=2.0, s_aux=sinks)
    keys, values = key.repeat_interleave(2, 1), value.repeat_interleave(2, 1)
    for head in range(4):
        scores = 2 * torch.tanh(0.3 * query[:, head] @ keys[:, head].transpose(1, 2) / 2)
        weights = scores.exp() * causal
        expected = weights @ values[:, head] / (weights.sum(-1, keepdim=True) + sinks[head].exp())
        torch.testing.assert_close(got[:, :, head], expected)
