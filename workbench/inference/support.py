"""Which models the engine can decode, and the reason where it cannot.

A model is supported when its only memory is keys and values by position. That is checked twice: by what
its configuration says, and by a trial, in which a few tokens that are fed step by step through the
slots must give the logits of one plain pass.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch

from workbench.errors import StudentError, first_line
from workbench.inference.slots import Chunk, SlotCache, Step
from workbench.students.quantized import Int8Linear

_KNOWN: weakref.WeakKeyDictionary[Any, tuple[torch.dtype, Decodable]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Decodable:
    """What the engine must know of a model."""

    windows: tuple[int | None, ...]
    """Of each layer: the last positions that a token sees."""
    positions: int
    """The longest sequence."""
    position_bytes: int
    """Of keys and values, for each position of a row."""


def decodable(model: Any, name: str) -> Decodable:
    """Returns what is known of a causal LM; tries it out once.

    Args:
        model: a transformers model, with or without injected adapter layers.
        name: for messages.

    Raises:
        StudentError: where it cannot be decoded here, with the reason.
    """
    dtype = model.get_input_embeddings().weight.dtype
    if model not in _KNOWN or _KNOWN[model][0] != dtype:
        config = model.config.get_text_config()
        _refuse_by_configuration(model, config, name)
        windows = _windows(config)
        _KNOWN[model] = dtype, Decodable(windows, _positions(config), _try_out(model, windows, name))
    return _KNOWN[model][1]


def feed(model: Any, ids: list[int], step: Step, cache: SlotCache, wanted: list[int]) -> torch.Tensor:
    """Runs the tokens of a step through the model.

    Args:
        model: a causal LM.
        ids: the tokens of all rows behind one another, [N].
        step: where they stand.
        cache: is read and written.
        wanted: indices into ``ids``.

    Returns:
        The logits after each wanted token, [W, V].
    """
    cache.begin(step)
    logits: torch.Tensor = model(
        input_ids=torch.tensor([ids], device=step.device),
        # What a token sees is known to the cache; this shape keeps the model from making masks of its own.
        attention_mask=torch.ones(1, 1, 1, 1, dtype=torch.bool, device=step.device),
        position_ids=step.positions_N[None],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=torch.tensor(wanted, dtype=torch.long, device=step.device),
    ).logits[0]
    return logits


def _refuse_by_configuration(model: Any, config: Any, name: str) -> None:
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if getattr(model, "_is_stateful", False) or kinds & {"linear_attention", "mamba", "conv", "recurrent"}:
        kinds = kinds or {"recurrent"}
        raise StudentError(
            f"student {name} cannot be decoded here: its {', '.join(sorted(kinds))} layers keep a running state, "
            "which rows cannot rewind or share by position; choose a model with attention alone"
        )
    if kinds:
        raise StudentError(f"student {name} cannot be decoded here: no support for {', '.join(sorted(kinds))} layers")
    if getattr(config, "is_encoder_decoder", False):
        raise StudentError(f"student {name} cannot be decoded here: it is an encoder-decoder, not a causal LM")


def _windows(config: Any) -> tuple[int | None, ...]:
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * config.num_hidden_layers
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def _positions(config: Any) -> int:
    """The longest sequence; shorter where rotary angles of all rows would change with the longest one."""
    limit = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 2**31
    rope = getattr(config, "rope_parameters", None) or {}
    # Models with two kinds of layers have a set of parameters for each.
    for scaling in [rope, *(value for value in rope.values() if isinstance(value, dict))]:
        if scaling.get("rope_type") in {"dynamic", "longrope"}:
            limit = min(limit, scaling.get("original_max_position_embeddings") or limit)
    return int(limit)


@torch.inference_mode()
def _try_out(model: Any, windows: tuple[int | None, ...], name: str) -> int:
    """Two rows, step by step, against one plain pass each; returns the bytes of a position."""
    device = next(model.parameters()).device
    size = model.get_input_embeddings().weight.shape[0]
    rows = [[(7 * n + 3) % size for n in range(11)], [(5 * n + 2) % size for n in range(6)]]
    cache = SlotCache(windows)
    cache.reserve(2, 16)
    try:
        got = _stepwise(model, rows, cache, device)
        expected = torch.stack(
            [model(torch.tensor([row], device=device), use_cache=False).logits[0, -1] for row in rows]
        )
    except Exception as error:  # a model of another design fails in any way
        raise StudentError(
            f"student {name} cannot be decoded here: its attention does not go through transformers' cache and "
            f"attention interfaces ({type(error).__name__}: {first_line(error)})"
        ) from error
    difference = float((got - expected).norm() / expected.norm())
    if not difference <= _tolerance(model):
        raise StudentError(
            f"student {name} cannot be decoded here: fed token by token it gives other logits than in one pass "
            f"(relative difference {difference:.2g}), so it keeps more than keys and values"
        )
    return cache.position_bytes


def _tolerance(model: Any) -> float:
    """Relative: rounding to few bits turns tiny differences into small ones; a wrong mask gives about 1."""
    if any(isinstance(module, Int8Linear) for module in model.modules()):
        return 0.5
    return 1e-3 if model.get_input_embeddings().weight.dtype in {torch.float32, torch.float64} else 0.2


def _stepwise(model: Any, rows: list[list[int]], cache: SlotCache, device: torch.device) -> torch.Tensor:
    logits = []
    for slot, row in enumerate(rows):
        feed(model, row[:3], Step([Chunk(slot, 0, 3)], device), cache, [2])
        feed(model, row[3:-2], Step([Chunk(slot, 3, len(row) - 2)], device), cache, [0])
    for back in (2, 1):
        chunks = [Chunk(slot, len(row) - back, len(row) - back + 1) for slot, row in enumerate(rows)]
        logits.append(feed(model, [row[-back] for row in rows], Step(chunks, device), cache, [0, 1]))
    return logits[-1]
