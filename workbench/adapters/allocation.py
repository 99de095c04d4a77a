"""Where the budget is spent: a rank for each linear module of the upper layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from workbench.errors import InputError


@dataclass(frozen=True, slots=True)
class Placement:
    """One adapted module."""

    layer: int
    module: str
    """The module's name within the model, such as ``model.layers.21.mlp.up_proj``."""
    rank: int
    parameters: int


def decoder_layers(model: Any) -> tuple[str, nn.ModuleList]:
    """Returns the name and the list of the model's decoder layers.

    Raises:
        InputError: where the model has no list of as many layers as its configuration says.
    """
    count = model.config.get_text_config().num_hidden_layers
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name, module
    raise InputError(f"{type(model).__name__} has no list of {count} decoder layers; this kind cannot be adapted")


def allocate(model: Any, budget: int, first_layer: int) -> tuple[Placement, ...]:
    """Spends a parameter budget on the linear modules of the layers from ``first_layer`` up (ours).

    All modules get the largest rank that fits. What is left raises ranks by one, from the last layer
    downwards and the dearest module first, as long as a rank still fits.

    Args:
        model: a transformers causal LM.
        budget: number of trainable parameters, at most.
        first_layer: the lowest adapted layer; the trunk below it stays frozen and can be cached.

    Raises:
        InputError: where the budget does not buy one rank, or there is no such layer.
    """
    costs = {(layer, name): cost for layer, name, cost in _linears(model) if layer >= first_layer}
    if first_layer < 0 or not costs:
        raise InputError(f"first_layer={first_layer}: there is no linear layer from there on; choose a lower one")
    base_rank = budget // sum(costs.values())
    left = budget - base_rank * sum(costs.values())
    ranks = dict.fromkeys(costs, base_rank)
    for place in sorted(costs, key=lambda place: (-place[0], -costs[place], place[1])):
        if costs[place] <= left:
            ranks[place] += 1
            left -= costs[place]
    placed = tuple(Placement(*place, rank, rank * costs[place]) for place, rank in ranks.items() if rank)
    if not placed:
        raise InputError(f"a budget of {budget:,} parameters does not buy one rank ({min(costs.values()):,}); raise it")
    return placed


def _linears(model: Any) -> Iterator[tuple[int, str, int]]:
    """Yields layer, full name and the parameters that one rank costs there."""
    prefix, layers = decoder_layers(model)
    for index, layer in enumerate(layers):
        for name, module in layer.named_modules():
            if isinstance(module, nn.Linear):
                yield index, f"{prefix}.{index}.{name}", module.in_features + module.out_features
