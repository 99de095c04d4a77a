"""The hierarchical objective: each level of the trace weighed apart, over its own tokens.

Shape suffixes: N tokens that carry loss, D hidden size, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from workbench.errors import InputError
from workbench.records import SECTIONS

CHUNK = 256
"""Tokens whose logits exist at one time: 256 × 49,152 floats are 50 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionWeights:
    """How much each level counts; only their ratios matter."""

    strategy: float = 0.3
    """The plan."""
    tactic: float = 1.0
    """The steps."""
    check: float = 0.3
    """The verification."""
    answer: float = 0.5
    """The answer and the end token."""

    def __post_init__(self) -> None:
        for section in SECTIONS:
            if not getattr(self, section) >= 0:
                raise InputError(f"weights.{section}={getattr(self, section)} must be a number ≥ 0")
        if not sum(getattr(self, section) for section in SECTIONS):
            raise InputError("weights are all 0: give at least one section a weight")

    def per_token(self, sections_N: torch.Tensor) -> torch.Tensor:
        """Returns each token's weight [N]: its section's, over the number of that section's tokens.

        A long list of steps therefore does not drown a short plan (ours). The weights of a batch that
        lacks a section are scaled up, so that every batch weighs 1.

        >>> SectionWeights().per_token(torch.tensor([0, 1, 1])).sum().item()
        1.0
        """
        counts = torch.bincount(sections_N, minlength=len(SECTIONS)).clamp(min=1)
        weights = torch.tensor([getattr(self, s) for s in SECTIONS], dtype=torch.float32, device=sections_N.device)
        token_weights: torch.Tensor = (weights / counts)[sections_N]
        return token_weights / token_weights.sum().clamp(min=1e-12)


def weighted_loss(
    hidden_ND: torch.Tensor,
    targets_N: torch.Tensor,
    sections_N: torch.Tensor,
    output: torch.nn.Module,
    weights: SectionWeights,
    scale: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor, dict[str, float]]:
    """Computes the loss from final hidden states, and its gradient with respect to them.

    Logits are made, used and freed a chunk at a time; nothing of size N × V is ever kept.

    Args:
        hidden_ND: final hidden states, of any float type.
        targets_N: the token after each.
        sections_N: the section of each target.
        output: from hidden states to logits.
        weights: of the sections.
        scale: of the gradient alone; in fp16 small gradients would otherwise become 0.

    Returns:
        The loss, its gradient [N, D] to pass to ``hidden_ND.backward``, and each section's own mean
        cross-entropy in nats.
    """
    token_weights_N = weights.per_token(sections_N)
    gradient_ND = torch.zeros_like(hidden_ND)
    losses_N = torch.zeros(len(targets_N), device=hidden_ND.device)
    for start in range(0, len(targets_N), CHUNK):
        part = slice(start, start + CHUNK)
        hidden = hidden_ND[part].detach().requires_grad_(torch.is_grad_enabled())
        losses = F.cross_entropy(output(hidden).float(), targets_N[part], reduction="none")
        losses_N[part] = losses.detach()
        if hidden.requires_grad:
            (gradient_ND[part],) = torch.autograd.grad((losses * token_weights_N[part]).sum() * scale, hidden)
    terms: dict[str, float] = {
        section: losses_N[sections_N == index].mean().item()
        for index, section in enumerate(SECTIONS)
        if (sections_N == index).any()
    }
    return (losses_N * token_weights_N).sum(), gradient_ND, terms
