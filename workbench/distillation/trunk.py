"""The frozen trunk below the adapter: computed once, kept on disk, read by every epoch.

Shape suffixes: B batch, T tokens of the longest row, D hidden size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.adapters import decoder_layers
from workbench.distillation.examples import Example
from workbench.errors import TrainingError
from workbench.files import storage_errors

TRUNK_TOKENS = 4_096
"""Padded tokens of one trunk batch: large enough to keep the matrix units busy."""


class _Opening:
    """Keys and values of the opening that all rows share, as transformers' attention asks for them.

    The opening runs first, alone; each row then attends to it without computing it again.
    """

    def __init__(self) -> None:
        self._stored: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any, **__: Any) -> Any:
        """Stores the opening's keys and values, and puts them before those of the rows."""
        if layer not in self._stored:
            self._stored[layer] = (keys, values)
            return keys, values
        rows = keys.shape[0]
        before = (stored.expand(rows, -1, -1, -1) for stored in self._stored[layer])
        return tuple(torch.cat(pair, dim=2) for pair in zip(before, (keys, values), strict=True))


@dataclass(frozen=True)
class Layers:
    """A causal LM taken apart at ``first_layer``: trunk below, head from there up.

    All sequences begin with the same opening (the chat template's), which is computed once for a
    whole batch. Rows are padded on the right, so that causal attention keeps padding out of every
    real token.
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

    def trunk(self, opening_O: torch.Tensor, ids_BT: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the hidden states of the opening [1, O, D] and of the rows after it [B, T, D]."""
        embed = self._decoder.embed_tokens
        return self._run(embed(opening_O[None]), embed(ids_BT), 0, self.first_layer)

    def head(self, opening_1OD: torch.Tensor, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """Returns the rows' final, normalised hidden states [B, T, D] from what `trunk` returned."""
        _, hidden_BTD = self._run(opening_1OD, hidden_BTD, self.first_layer, len(self._layers))
        final: torch.Tensor = self._decoder.norm(hidden_BTD)
        return final

    @torch.no_grad()
    def check(self, opening_O: torch.Tensor, ids_1T: torch.Tensor) -> None:
        """Compares trunk and head, put together again, with the model's own logits.

        Raises:
            TrainingError: where they differ, as for models that scale their embeddings or logits.
        """
        ours = self.output(self.head(*self.trunk(opening_O, ids_1T))).float()
        theirs = self.model(input_ids=torch.cat([opening_O[None], ids_1T], dim=1)).logits.float()[:, len(opening_O) :]
        if (ours - theirs).abs().max() > 0.02 * theirs.abs().max():
            kind = self.model.config.model_type
            raise TrainingError(f"models of kind {kind!r} cannot be taken apart at a layer yet; choose another student")

    def _run(
        self, opening_1OD: torch.Tensor, hidden_BTD: torch.Tensor, start: int, stop: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        shared, length = opening_1OD.shape[1], hidden_BTD.shape[1]
        cache = _Opening()
        positions = torch.arange(shared + length, device=hidden_BTD.device)
        visible = positions[None] <= positions[shared:, None]
        if shared:
            opening_1OD = self._through(opening_1OD, positions[:shared], None, cache, start, stop)
        mask = visible[None, None]
        return opening_1OD, self._through(hidden_BTD, positions[shared:], mask, cache if shared else None, start, stop)

    def _through(
        self, hidden: torch.Tensor, positions: torch.Tensor, mask: Any, cache: _Opening | None, start: int, stop: int
    ) -> torch.Tensor:
        rotary = self._decoder.rotary_emb(hidden, positions[None])
        for layer in self._layers[start:stop]:
            out = layer(
                hidden,
                attention_mask=mask,
                position_ids=positions[None],
                past_key_values=cache,
                position_embeddings=rotary,
            )
            hidden = out[0] if isinstance(out, tuple) else out
        return hidden


class WholeModel(Layers):
    """A model that is not taken apart, for backends whose layers cannot be called one by one.

    The trunk is the embedding alone (``first_layer`` 0), the head the decoder as it stands, the opening
    computed again in each batch. The values are those of `Layers`.
    """

    def trunk(self, opening_O: torch.Tensor, ids_BT: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the embeddings of the opening [1, O, D] and of the rows after it [B, T, D]."""
        embed = self._decoder.embed_tokens
        return embed(opening_O[None]), embed(ids_BT)

    def head(self, opening_1OD: torch.Tensor, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """Returns the rows' final, normalised hidden states [B, T, D] from what `trunk` returned."""
        rows, shared = hidden_BTD.shape[0], opening_1OD.shape[1]
        embedded_BTD = torch.cat([opening_1OD.expand(rows, -1, -1), hidden_BTD], dim=1)
        # Checkpointed layers hand gradients on only where their input wants one.
        embedded_BTD.requires_grad_(torch.is_grad_enabled())
        dtype, found = self.output.weight.dtype, list[torch.Tensor]()
        # Through the whole model, which alone knows what its decoder wants (Unsloth's masks, for one).
        hook = self._decoder.register_forward_hook(lambda *call: found.append(call[2].last_hidden_state))
        try:
            # Unsloth's kernels expect the mixed precision that transformers' trainer runs them in.
            with torch.autocast(embedded_BTD.device.type, dtype, enabled=dtype != torch.float32):
                self.model(inputs_embeds=embedded_BTD, use_cache=False, logits_to_keep=1)
        finally:
            hook.remove()
        return found[0][:, shared:].to(dtype)


class TrunkCache:
    """Trunk states of all examples in one memory-mapped file of float32 [tokens, D].

    The opening that all examples share is stored once, in memory.

    Args:
        path: the file; it is scratch and may be deleted when training is done.
        opening: the ids that all examples begin with.
        examples: in the order in which `batch` will name them.
        width: D, the hidden size.
    """

    def __init__(self, path: Path, opening: Sequence[int], examples: Sequence[Example], width: int) -> None:
        self.opening_O = torch.tensor(list(opening), dtype=torch.long)
        self.opening_1OD = torch.zeros(1, len(opening), width)
        lengths = [len(example) - len(opening) for example in examples]
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A sparse file would meet a full disk as a crash of the process, not as an error.
            with path.open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, max(1, int(self.starts[-1]) * width * 4))
            self.states = np.memmap(path, dtype=np.float32, mode="r+", shape=(int(self.starts[-1]), width))

    @torch.no_grad()
    def fill(
        self, layers: Layers, examples: Sequence[Example], track: Callable[[Iterable[Any], int], Iterable[Any]]
    ) -> None:
        """Runs every example through the trunk, longest first, in batches of equal work.

        Args:
            layers: the model, taken apart.
            examples: the same as in the constructor.
            track: wraps an iterable of batches and their number, to show progress.
        """
        device, shared = layers.output.weight.device, len(self.opening_O)
        groups = list(_equal_work([len(example) - shared for example in examples]))
        for group in track(groups, len(groups)):
            ids_BT = pad([examples[i].ids[shared:] for i in group]).to(device)
            self.opening_1OD, hidden_BTD = layers.trunk(self.opening_O.to(device), ids_BT)
            for row, index in enumerate(group):
                length = len(examples[index]) - shared
                self.states[self.starts[index] : self.starts[index + 1]] = (
                    hidden_BTD[row, :length].float().cpu().numpy()
                )

    def batch(self, indices: Sequence[int]) -> torch.Tensor:
        """Returns the trunk states of some examples after the opening, padded with zeros: [B, T, D]."""
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
