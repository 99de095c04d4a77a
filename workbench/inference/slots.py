"""Keys and values of all rows, in slots of one preallocated block per layer.

Shape suffixes: S slots, B busy rows, N tokens of a step, H query heads, G key heads, C capacity in
positions, K key positions, D head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from workbench.students.attention import KeyStore, masked_attention

GROWTH = 64
"""Positions by which a cache grows: a multiple of this many."""


@dataclass(frozen=True)
class Chunk:
    """The tokens that one row is fed in a step: a whole prompt, an injection, or its newest token."""

    slot: int
    start: int
    """Position of the first of them; all before it are in the cache."""
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Step:
    """Where the tokens of one forward pass go, and what each may see.

    The tokens of all rows lie behind one another without padding: first the rows that are fed a single
    token, which attend together, then the longer chunks, each of which attends by itself.

    Args:
        chunks: one for each row, single tokens first.
        device: of the tensors.
    """

    def __init__(self, chunks: Sequence[Chunk], device: torch.device) -> None:
        singles = [chunk for chunk in chunks if len(chunk) == 1]
        self.longer = list(chunks[len(singles) :])
        self.device = device
        self.singles = len(singles)
        self.block = max((chunk.slot for chunk in singles), default=-1) + 1
        """Slots that are read together: up to the last one with a single token."""
        self.span = max((chunk.stop for chunk in singles), default=0)
        slots = [chunk.slot for chunk in chunks for _ in range(chunk.start, chunk.stop)]
        positions = [position for chunk in chunks for position in range(chunk.start, chunk.stop)]
        self.slots_N = torch.tensor(slots, device=device)
        self.positions_N = torch.tensor(positions, device=device)
        self.has_gaps = slots[: self.singles] != list(range(self.singles))
        self._masks: dict[tuple[Chunk | None, int | None], torch.Tensor] = {}

    @cached_property
    def _last_B(self) -> torch.Tensor:
        """The position of each slot's single token; 0 where the slot has none."""
        last_B = torch.zeros(self.block, dtype=torch.long, device=self.device)
        last_B[self.slots_N[: self.singles]] = self.positions_N[: self.singles]
        return last_B

    def mask(self, chunk: Chunk | None, window: int | None) -> torch.Tensor:
        """Returns what a longer chunk sees, [1, 1, Q, K], or the single tokens, [B, 1, 1, K]; once for all layers."""
        key = chunk, window
        if key not in self._masks:
            self._masks[key] = self._mask(chunk, window)
        return self._masks[key]

    def _mask(self, chunk: Chunk | None, window: int | None) -> torch.Tensor:
        if chunk is None:
            return _visible(self._last_B[:, None], self.span, window)[:, None, None]
        positions_Q = torch.arange(chunk.start, chunk.stop, device=self.device)
        return _visible(positions_Q[:, None], chunk.stop, window)[None, None]


def _visible(positions: torch.Tensor, span: int, window: int | None) -> torch.Tensor:
    """0 for each of the first ``span`` keys that a query at a position [..., 1] sees, else -inf, [..., span]."""
    keys = torch.arange(span, device=positions.device)
    hidden = keys > positions if window is None else (keys > positions) | (keys <= positions - window)
    return torch.zeros(hidden.shape, device=positions.device).masked_fill_(hidden, float("-inf"))


class LayerSlots(KeyStore):
    """One layer's keys and values; what the model's attention is handed in place of tensors.

    Args:
        window: the last positions that a token sees, itself included; ``None`` for all.
    """

    def __init__(self, window: int | None) -> None:
        self.window = window
        self.keys_SGCD = self.values_SGCD = torch.empty(0, 0, 0, 0)
        self.step: Step | None = None

    def store(self, keys_1GND: torch.Tensor, values_1GND: torch.Tensor, step: Step, slots: int, capacity: int) -> None:
        """Writes a step's keys and values to their rows and positions."""
        if not self.keys_SGCD.numel():
            # Heads and head size are known only now.
            self.keys_SGCD = keys_1GND.new_zeros(slots, keys_1GND.shape[1], capacity, keys_1GND.shape[3])
            self.values_SGCD = values_1GND.new_zeros(slots, values_1GND.shape[1], capacity, values_1GND.shape[3])
        self.keys_SGCD[step.slots_N, :, step.positions_N] = keys_1GND[0].transpose(0, 1)
        self.values_SGCD[step.slots_N, :, step.positions_N] = values_1GND[0].transpose(0, 1)
        self.step = step

    def grow(self, slots: int, capacity: int) -> None:
        """Makes room for more, once anything is stored."""
        if self.keys_SGCD.numel():
            self.keys_SGCD = _grown(self.keys_SGCD, slots, capacity)
            self.values_SGCD = _grown(self.values_SGCD, slots, capacity)

    def attend(self, query_1HND: torch.Tensor, **options: Any) -> torch.Tensor:
        """Returns [1, H, N, D]; ``options`` go to `masked_attention`."""
        step = self.step
        assert step is not None
        query_NHD = query_1HND[0].transpose(0, 1)
        parts = [self._singles(query_NHD[: step.singles], step, options)] if step.singles else []
        start = step.singles
        for chunk in step.longer:
            stop = start + len(chunk)
            parts.append(self._chunk(query_1HND[:, :, start:stop], chunk, step, options))
            start = stop
        out_NHD = parts[0] if len(parts) == 1 else torch.cat(parts)
        return out_NHD.transpose(0, 1)[None]

    def _singles(self, query_BHD: torch.Tensor, step: Step, options: dict[str, Any]) -> torch.Tensor:
        if step.has_gaps:
            full = query_BHD.new_zeros(step.block, *query_BHD.shape[1:])
            full[step.slots_N[: step.singles]] = query_BHD
            query_BHD = full
        keys = self.keys_SGCD[: step.block, :, : step.span]
        values = self.values_SGCD[: step.block, :, : step.span]
        mask = step.mask(None, self.window)
        out_BHD = masked_attention(query_BHD[:, :, None], keys, values, mask, **options)[:, :, 0]
        return out_BHD[step.slots_N[: step.singles]] if step.has_gaps else out_BHD

    def _chunk(self, query_1HQD: torch.Tensor, chunk: Chunk, step: Step, options: dict[str, Any]) -> torch.Tensor:
        keys = self.keys_SGCD[chunk.slot : chunk.slot + 1, :, : chunk.stop]
        values = self.values_SGCD[chunk.slot : chunk.slot + 1, :, : chunk.stop]
        out_1HQD = masked_attention(query_1HQD, keys, values, step.mask(chunk, self.window), **options)
        return out_1HQD[0].transpose(0, 1)


def _grown(old_SGCD: torch.Tensor, slots: int, capacity: int) -> torch.Tensor:
    new_SGCD = old_SGCD.new_zeros(slots, old_SGCD.shape[1], capacity, old_SGCD.shape[3])
    new_SGCD[: old_SGCD.shape[0], :, : old_SGCD.shape[2]] = old_SGCD
    return new_SGCD


class SlotCache:
    """What transformers' attention layers write to and read from, through ``update``.

    Args:
        windows: of each layer, see `LayerSlots`.
    """

    def __init__(self, windows: Sequence[int | None]) -> None:
        self.layers = [LayerSlots(window) for window in windows]
        self.slots = self.capacity = 0
        self._step: Step | None = None

    def reserve(self, slots: int, positions: int) -> None:
        """Makes room for so many rows of so many positions; never less than before."""
        slots, capacity = max(self.slots, slots), max(self.capacity, -(-positions // GROWTH) * GROWTH)
        if (slots, capacity) != (self.slots, self.capacity):
            self.slots, self.capacity = slots, capacity
            for layer in self.layers:
                layer.grow(slots, capacity)

    def begin(self, step: Step) -> None:
        """Announces where the next forward pass writes, and what it reads."""
        self._step = step

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any, **__: Any) -> Any:
        """Stores a layer's new keys and values; hands out the layer in place of both."""
        assert self._step is not None
        slots = self.layers[layer]
        slots.store(keys, values, self._step, self.slots, self.capacity)
        return slots, slots

    def copy(self, source: int, target: int, positions: int) -> None:
        """Copies a row's first positions into another slot."""
        for layer in self.layers:
            for block in (layer.keys_SGCD, layer.values_SGCD):
                block[target, :, :positions] = block[source, :, :positions]

    @property
    def position_bytes(self) -> int:
        """What one position of one row takes, once a first step has shown the shapes."""
        blocks = [block for layer in self.layers for block in (layer.keys_SGCD, layer.values_SGCD)]
        return sum(block.shape[1] * block.shape[3] * block.element_size() for block in blocks)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Part of transformers' interface; positions are always passed explicitly."""
        return 0
