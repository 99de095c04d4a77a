"""The frozen trunk below the adapter: computed once, kept on disk, read by every epoch.

Shape suffixes: B batch, T tokens of the longest row, D hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.adapters import decoder_layers
from workbench.distillation.examples import Example
from workbench.files import storage_errors

TRUNK_TOKENS = 4_096
"""Padded tokens of one trunk batch: large enough to keep the matrix units busy."""


@dataclass(frozen=True)
class Layers:
    """A causal LM taken apart at ``first_layer``: trunk below, head from there up.

    Rows are padded on the right, so that the causal mask alone keeps padding out of every real token.
    """

    model: Any
    first_layer: int

    @cached_property
    def _decoder(self) -> Any:
        base = self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model
        return base.get_decoder()

    @cached_property
    def _layers(self) -> Any:
        return decoder_layers(self.model)[1]

    @property
    def output(self) -> Any:
        """The output embedding, from hidden states to logits."""
        return self.model.get_output_embeddings()

    def trunk(self, ids_BT: torch.Tensor) -> torch.Tensor:
        """Returns hidden states [B, T, D] as they enter ``first_layer``."""
        return self._run(self._decoder.embed_tokens(ids_BT), 0, self.first_layer)

    def head(self, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """Returns final, normalised hidden states [B, T, D] from those that enter ``first_layer``."""
        hidden_BTD = self._run(hidden_BTD, self.first_layer, len(self._layers))
        final: torch.Tensor = self._decoder.norm(hidden_BTD)
        return final

    def _run(self, hidden_BTD: torch.Tensor, start: int, stop: int) -> torch.Tensor:
        positions = torch.arange(hidden_BTD.shape[1], device=hidden_BTD.device)[None]
        rotary = self._decoder.rotary_emb(hidden_BTD, positions)
        for layer in self._layers[start:stop]:
            out = layer(hidden_BTD, attention_mask=None, position_ids=positions, position_embeddings=rotary)
            hidden_BTD = out[0] if isinstance(out, tuple) else out
        return hidden_BTD


class TrunkCache:
    """Trunk states of all examples in one memory-mapped file of float32 [tokens, D].

    Args:
        path: the file; it is scratch and may be deleted when training is done.
    """

    def __init__(self, path: Path, examples: Sequence[Example], width: int) -> None:
        self.starts = np.concatenate([[0], np.cumsum([len(example) for example in examples])])
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.states = np.memmap(path, dtype=np.float32, mode="w+", shape=(int(self.starts[-1]), width))

    @torch.no_grad()
    def fill(
        self, layers: Layers, examples: Sequence[Example], track: Callable[[Iterable[Any], int], Iterable[Any]]
    ) -> None:
        """Runs every example through the trunk, longest first, in batches of equal work.

        Args:
            track: wraps an iterable of batches and their number, to show progress.
        """
        groups = list(_equal_work([len(example) for example in examples]))
        for group in track(groups, len(groups)):
            hidden_BTD = layers.trunk(pad([examples[i].ids for i in group]).to(layers.output.weight.device))
            for row, index in enumerate(group):
                self.states[self.starts[index] : self.starts[index + 1]] = (
                    hidden_BTD[row, : len(examples[index])].float().cpu().numpy()
                )

    def batch(self, indices: Sequence[int]) -> torch.Tensor:
        """Returns the trunk states of some examples, padded with zeros: [B, T, D]."""
        rows = [torch.from_numpy(self.states[self.starts[i] : self.starts[i + 1]].copy()) for i in indices]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def pad(rows: Sequence[np.ndarray], value: int = 0) -> torch.Tensor:
    """Stacks integer rows into [B, T], padded on the right."""
    tensors = [torch.from_numpy(row.astype(np.int64)) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)


def _equal_work(lengths: Sequence[int]) -> Iterable[list[int]]:
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if group and (len(group) + 1) * lengths[group[0]] > TRUNK_TOKENS:
            yield group
            group = []
        group.append(index)
    if group:
        yield group
