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


def test_capped_scores_are_refused():
    with pytest.raises(ValueError, match="cap"):
        grouped_attention(torch.nn.Identity(), *torch.randn(3, 1, 1, 1, 4).unbind(), None, softcap=30.0)
