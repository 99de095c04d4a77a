"""The next token: greedy, or with noise that belongs to the position and not to the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from workbench.errors import InputError
from workbench.files import text_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float = 0.0
    """0 is greedy."""
    seed: int = 0
    """Of the noise; unused when greedy."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < 100:
            raise InputError(f"temperature={self.temperature} must lie in [0, 100); 0 is greedy")

    def choose(self, logits_V: torch.Tensor, problem_id: str, sample: int, position: int) -> int:
        """Draws one token by the Gumbel-max trick.

        The noise is a pure function of (seed, problem, sample, position): the same prefix and seed
        give the same token whatever else is in the batch, and however rows are refilled.
        """
        if self.temperature > 0:
            noise = gumbel(len(logits_V), self.seed, problem_id, sample, position)
            logits_V = logits_V.float() / self.temperature + torch.from_numpy(noise).to(logits_V.device)
        return int(logits_V.argmax())


def gumbel(size: int, seed: int, problem_id: str, sample: int, position: int) -> np.ndarray:
    """Returns standard Gumbel noise, float32 [size], that depends on the arguments alone."""
    key = int(text_hash(seed, problem_id, sample, position)[:32], 16)
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.gumbel(size=size).astype(np.float32)
