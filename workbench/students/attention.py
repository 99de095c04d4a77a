"""Attention for grouped queries that never copies a key or a value.

transformers repeats keys and values for each query head as soon as there is a mask. On a CPU that
copy costs many times the attention itself (see `tests/benchmarks`), so the query heads of a group are
laid along the sequence axis instead, where the fused kernel takes them as further queries (ours).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

NAME = "workbench_grouped"


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Computes attention for transformers' attention interface, most of which plain attention does not need.

    Args:
        query: [B, H, Q, D], H being a multiple of the number of key heads G.
        key: [B, G, K, D]; may be a strided view into a larger cache.
        value: like ``key``.
        attention_mask: [B, 1, Q, K], or ``None`` for plain causal attention with Q = K.
        scaling: of the scores.
        softcap: not supported.

    Returns:
        [B, Q, H, D], and no weights.

    Raises:
        ValueError: where the model caps its scores.
    """
    if softcap is not None:
        raise ValueError("models that cap attention scores are not supported")
    batch, heads, length, width = query.shape
    groups = key.shape[1]
    if attention_mask is None:
        shared = groups != heads
        out = F.scaled_dot_product_attention(query, key, value, is_causal=length > 1, scale=scaling, enable_gqa=shared)
        return out.transpose(1, 2), None
    repeats = heads // groups
    folded = query.reshape(batch, groups, repeats * length, width)
    # A single query's mask serves all heads of its group as it is; longer ones repeat with the heads.
    mask = attention_mask if attention_mask.shape[2] == 1 else attention_mask.repeat(1, 1, repeats, 1)
    out = F.scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
    return out.view(batch, heads, length, width).transpose(1, 2), None


def use_grouped_attention(model: Any) -> None:
    """Makes a transformers model compute attention with `grouped_attention`; idempotent."""
    AttentionInterface.register(NAME, grouped_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
