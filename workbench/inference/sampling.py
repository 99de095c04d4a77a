"""The next token: greedy, or with noise that belongs to the position and not to the batch.

Shape suffixes: B rows, V vocabulary, C candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from workbench.errors import InputError
from workbench.files import text_hash

CANDIDATES = 256
"""Tokens of a row that get noise of their own at once; the rest is drawn as one, and split only if it wins."""
Place = tuple[str, int, int]
"""Where noise belongs: problem, sample, position in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    The noise is a pure function of (seed, problem, sample, position, token): the same prefix and seed
    give the same token whatever else is in the batch, and however rows are refilled. Tokens are drawn by
    the Gumbel-max trick, so that two students, or two arms, that see the same noise write the same token
    wherever their distributions agree.
    """

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Draw only from the likeliest tokens that together have this probability (Holtzman et al., arXiv 1904.09751)."""
    min_p: float = 0.0
    """Draw only from tokens that have this fraction of the likeliest one's (Nguyen et al., arXiv 2407.01082)."""
    seed: int = 0
    """Of the noise; unused when greedy."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < 100:
            raise InputError(f"temperature={self.temperature} must lie in [0, 100); 0 is greedy")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p={self.top_p} must lie in (0, 1]; 1 keeps every token")
        if not 0 <= self.min_p <= 1:
            raise InputError(f"min_p={self.min_p} must lie in [0, 1]; 0 keeps every token")

    def choose(self, logits_BV: torch.Tensor, places: Sequence[Place]) -> list[int]:
        """Returns a token for each row of logits.

        Args:
            logits_BV: the model's scores; a tensor of any float type.
            places: of each row.
        """
        if self.temperature == 0:
            greedy: list[int] = logits_BV.argmax(-1).tolist()
            return greedy
        logits_BV = logits_BV.float() / self.temperature
        keys_B = np.array([int(text_hash(self.seed, *place)[:16], 16) for place in places], dtype=np.uint64)
        top = logits_BV.topk(min(CANDIDATES, logits_BV.shape[1]))
        totals_B = logits_BV.logsumexp(-1).double().cpu().numpy()
        logprobs_BC = top.values.double().cpu().numpy() - totals_B[:, None]
        ids_BC = top.indices.cpu().numpy()
        kept_BC = self._kept(logprobs_BC)
        noisy_BC = np.where(kept_BC, logprobs_BC + gumbel(keys_B[:, None], ids_BC), -np.inf)
        chosen_B = ids_BC[np.arange(len(ids_BC)), noisy_BC.argmax(1)].tolist()
        for row in self._undecided(keys_B, logprobs_BC, kept_BC, noisy_BC, logits_BV.shape[1]):
            logprobs_V = logits_BV[row].double().cpu().numpy() - totals_B[row]
            chosen_B[row] = self._from_all(logprobs_V, keys_B[row], ids_BC[row])
        return [int(token) for token in chosen_B]

    @property
    def _truncates(self) -> bool:
        return self.top_p < 1 or self.min_p > 0

    def _kept(self, logprobs_BC: np.ndarray) -> np.ndarray:
        """Which candidates, in falling order, may be drawn."""
        probabilities_BC = np.exp(logprobs_BC)
        before_BC = probabilities_BC.cumsum(1) - probabilities_BC
        kept: np.ndarray = before_BC < self.top_p if self.top_p < 1 else np.full(logprobs_BC.shape, True)
        kept &= probabilities_BC >= self.min_p * probabilities_BC[:, :1]
        kept[:, 0] = True
        return kept

    def _undecided(
        self, keys_B: np.ndarray, logprobs_BC: np.ndarray, kept_BC: np.ndarray, noisy_BC: np.ndarray, vocabulary: int
    ) -> list[int]:
        """The rows whose token may lie beyond the candidates."""
        if logprobs_BC.shape[1] == vocabulary:
            return []
        if self._truncates:
            return np.flatnonzero(kept_BC[:, -1]).tolist()
        rest_B = np.log(np.maximum(1 - np.exp(logprobs_BC).sum(1), 1e-300))
        return np.flatnonzero(rest_B + gumbel(keys_B, np.full(len(keys_B), vocabulary)) > noisy_BC.max(1)).tolist()

    def _from_all(self, logprobs_V: np.ndarray, key: np.uint64, candidates_C: np.ndarray) -> int:
        """Draws among all that may be drawn, or, where nothing is cut off, among all that were no candidates."""
        order_V = np.argsort(-logprobs_V, kind="stable")
        if self._truncates:
            order_V = order_V[self._kept(logprobs_V[None, order_V])[0]]
        else:
            order_V = order_V[~np.isin(order_V, candidates_C)]
        return int(order_V[(logprobs_V[order_V] + gumbel(key, order_V)).argmax()])


def gumbel(key: np.ndarray | np.uint64, token: np.ndarray) -> np.ndarray:
    """Returns standard Gumbel noise that depends on key and token alone.

    The uniform bits are those of SplitMix64 (Steele et al., OOPSLA 2014), started at ``key`` and read at
    ``token``; arrays are broadcast.
    """
    with np.errstate(over="ignore"):
        bits = key + (token.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    uniform = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    noise: np.ndarray = -np.log(-np.log(uniform))
    return noise
