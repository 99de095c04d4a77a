"""Weights in the order in which a CPU's kernels read them, laid out once rather than at every product.

A plain product reorders the weights each time it is called, which is a large part of the work wherever
few tokens meet many weights: packed, one token takes SmolLM2-135M 0.6 times as long on two cores, eight
tokens half as long, a hundred 0.6 times (`tests/benchmarks`). The numbers differ in their last bits only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn


class PackedLinears:
    """Inside, a model's linear layers multiply with packed copies of their weights.

    Only for passes without gradients. The copies are made once: afterwards the layers' own weights must
    stay as they are, while an adapter around them may change. Where nothing can be packed, nothing changes.

    Args:
        model: a causal LM, with or without adapter layers.
        memory: bytes that the copies may take; all layers are packed, or none.
    """

    def __init__(self, model: nn.Module, memory: int) -> None:
        layers = [layer for _, layer in base_linears(model) if _can_be_packed(layer.weight)]
        takes = sum(layer.weight.nbytes for layer in layers)
        self._packed = [(layer, _product(layer)) for layer in layers] if takes <= memory else []

    @property
    def layers(self) -> int:
        """Layers that have a packed copy."""
        return len(self._packed)

    def __enter__(self) -> PackedLinears:
        for layer, forward in self._packed:
            vars(layer)["forward"] = forward  # nn.Module's own __setattr__ takes ten times as long
        return self

    def __exit__(self, *exception: object) -> None:
        for layer, _ in self._packed:
            vars(layer).pop("forward", None)


def base_linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Yields path and layer of each plain linear layer; those of an adapter are left out."""
    for path, layer in model.named_modules():
        if type(layer) is nn.Linear and "lora_" not in path:
            yield path, layer


def _can_be_packed(weight: torch.Tensor) -> bool:
    has_kernel = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
    return has_kernel and weight.device.type == "cpu" and weight.dtype == torch.float32


@torch.no_grad()
def _product(layer: nn.Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    multiply: Any = torch.ops.mkldnn._linear_pointwise
    packed, bias = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None), layer.bias
    return lambda inputs: multiply(inputs, packed, bias, "none", [], "")  # type: ignore[no-any-return]
