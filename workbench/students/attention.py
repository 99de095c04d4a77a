"""Attention for grouped queries that never copies a key or a value.

transformers repeats keys and values for each query head as soon as there is a mask. On a CPU that
copy costs many times the attention itself (see `tests/benchmarks`), so the query heads of a group are
laid along the sequence axis instead, where the fused kernel takes them as further queries (ours).

Shape suffixes: B batch, H query heads, G key heads, Q queries, K keys, D head size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

NAME = "workbench_grouped"


class KeyStore(ABC):
    """Keys and values that are read where they lie; a cache may hand one out in place of both tensors."""

    @abstractmethod
    def attend(self, query_1HND: torch.Tensor, **options: Any) -> torch.Tensor:
        """Returns [1, H, N, D] for the tokens of a step; ``options`` go to `masked_attention`."""


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Computes attention for transformers' attention interface, most of which plain attention does not need.

    Args:
        query: [B, H, Q, D], H being a multiple of the number of key heads G.
        key: [B, G, K, D]; may be a strided view into a larger cache, or a `KeyStore`.
        value: like ``key``.
        attention_mask: [B, 1, Q, K], or ``None`` for plain causal attention with Q = K.
        scaling: of the scores.
        softcap: bounds the scores (Gemma 2).
        s_aux: one logit per query head that takes attention away from all keys (attention sinks).

    Returns:
        [B, Q, H, D], and no weights.
    """
    if isinstance(key, KeyStore):
        out = key.attend(query, scaling=scaling, softcap=softcap, sinks=s_aux)
    elif attention_mask is None and softcap is None and s_aux is None:
        shared = key.shape[1] != query.shape[1]
        causal = query.shape[2] > 1
        out = F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scaling, enable_gqa=shared)
    else:
        if attention_mask is None:
            every_11QK = torch.ones(1, 1, query.shape[2], key.shape[2], dtype=torch.bool, device=key.device)
            attention_mask = every_11QK.tril()
        out = masked_attention(query, key, value, attention_mask, scaling=scaling, softcap=softcap, sinks=s_aux)
    return out.transpose(1, 2), None


def masked_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    *,
    scaling: float | None = None,
    softcap: float | None = None,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """Returns [B, H, Q, D]; arguments as for `grouped_attention`."""
    batch, heads, length, width = query.shape
    groups = key.shape[1]
    repeats = heads // groups
    folded = query.reshape(batch, groups, repeats * length, width)
    # A single query's mask serves all heads of its group as it is; longer ones repeat with the heads.
    mask = mask if mask.shape[2] == 1 else mask.repeat(1, 1, repeats, 1)
    mask = mask if mask.dtype in {torch.bool, query.dtype} else mask.to(query.dtype)
    if softcap is None and sinks is None:
        out = F.scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
    else:
        out = _explicit_attention(folded, key, value, mask, scaling, softcap, sinks)
    return out.reshape(batch, heads, length, value.shape[-1])


def _explicit_attention(
    folded: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    scaling: float | None,
    softcap: float | None,
    sinks: torch.Tensor | None,
) -> torch.Tensor:
    """What the fused kernel has no argument for, step by step."""
    scores = (folded @ key.transpose(-1, -2)).float() * (scaling or folded.shape[-1] ** -0.5)
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
    if sinks is None:
        return scores.softmax(-1).to(value.dtype) @ value
    groups, rows = key.shape[1], folded.shape[2]
    per_row = sinks.float().view(groups, -1).repeat_interleave(rows * groups // len(sinks), 1)
    scores = torch.cat([scores, per_row[None, :, :, None].expand(len(scores), -1, -1, -1)], -1)
    return scores.softmax(-1)[..., :-1].to(value.dtype) @ value


def use_grouped_attention(model: Any) -> None:
    """Makes a transformers model compute attention with `grouped_attention`; idempotent."""
    AttentionInterface.register(NAME, grouped_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
