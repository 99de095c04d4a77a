"""Keys and values of all rows in slots of one preallocated block per layer.

Shape suffixes: S slots, H key heads, C capacity in positions, D head size, B rows of a call, P positions.
"""

from __future__ import annotations

from typing import Any

import torch


class SlotCache:
    """What transformers' attention layers write to and read from, through ``update``.

    Rows are admitted with `open_rows` (whole prompts, after an opening that all of them share) and then
    grow by one position a step (`next_step`). Busy rows always fill the first slots, so that a step
    reads plain views.

    Args:
        model: a transformers causal LM.
        slots: number of rows.
        capacity: positions of a row, prompt included.
    """

    def __init__(self, model: Any, slots: int, capacity: int) -> None:
        layers, heads, width = _shape(model)
        weight = model.get_input_embeddings().weight
        shape = (layers, slots, heads, capacity, width)
        self.keys_LSHCD = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self.values_LSHCD = torch.zeros_like(self.keys_LSHCD)
        self.capacity = capacity
        self._rows: slice | torch.Tensor = slice(0, 0)
        self._positions: torch.Tensor | None = None
        self._start = self._span = 0

    def open_rows(self, slots: slice, start: int, stop: int) -> None:
        """The next call fills positions ``start`` to ``stop`` of some slots with prompts."""
        self._rows, self._positions, self._start, self._span = slots, None, start, stop

    def share_opening(self, positions: int) -> None:
        """Copies the first positions of slot 0 into all other slots."""
        self.keys_LSHCD[:, 1:, :, :positions] = self.keys_LSHCD[:, :1, :, :positions]
        self.values_LSHCD[:, 1:, :, :positions] = self.values_LSHCD[:, :1, :, :positions]

    def next_step(self, positions_B: torch.Tensor) -> int:
        """The next call appends one position to the first B slots; returns the span that it reads."""
        self._rows, self._positions = slice(0, len(positions_B)), positions_B
        self._span = int(positions_B.max()) + 1
        return self._span

    def update(self, keys_BHPD: torch.Tensor, values_BHPD: torch.Tensor, layer: int, *_: Any, **__: Any) -> Any:
        """Stores a layer's new keys and values and returns all that the call may attend to."""
        keys, values = self.keys_LSHCD[layer], self.values_LSHCD[layer]
        if self._positions is None:
            keys[self._rows, :, self._start : self._span] = keys_BHPD
            values[self._rows, :, self._start : self._span] = values_BHPD
            return keys[self._rows, :, : self._span], values[self._rows, :, : self._span]
        rows = torch.arange(len(self._positions), device=keys.device)
        keys[rows, :, self._positions] = keys_BHPD[:, :, 0]
        values[rows, :, self._positions] = values_BHPD[:, :, 0]
        return keys[self._rows, :, : self._span], values[self._rows, :, : self._span]

    def move(self, source: int, target: int, positions: int) -> None:
        """Copies a row's first positions into another slot."""
        self.keys_LSHCD[:, target, :, :positions] = self.keys_LSHCD[:, source, :, :positions]
        self.values_LSHCD[:, target, :, :positions] = self.values_LSHCD[:, source, :, :positions]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Part of transformers' interface; positions are always passed explicitly."""
        return 0


def row_bytes(model: Any, capacity: int) -> int:
    """Returns what one slot of ``capacity`` positions takes in memory."""
    layers, heads, width = _shape(model)
    size: int = model.get_input_embeddings().weight.element_size()
    return 2 * layers * heads * capacity * width * size


def _shape(model: Any) -> tuple[int, int, int]:
    config = model.config.get_text_config()
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return config.num_hidden_layers, config.num_key_value_heads, width
