"""Weights in the order in which a CPU's kernels read them, laid out once rather than at every product.

A plain product reorders the weights each time it is called, which is a large part of the work wherever
few tokens meet many weights: packed, SmolLM2-135M takes 0.7 to 0.8 of the time for one token on two cores, 0.5 to
0.65 for eight, 0.75 to 0.8 for a hundred rows (`tests/benchmarks`). The numbers differ in their last bits only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psutil
import torch
from torch import nn


class PackedLinears:
    """Inside, a model's linear layers multiply with packed copies of their weights.

    The copies are made once: afterwards the layers' own weights must stay as they are, while an adapter
    around them may change. Layers whose weights learn are left alone. Where nothing can be packed, nothing
    changes.

    Args:
        model: a causal LM, with or without adapter layers.
        gradients: pass gradients on to what comes before a layer, which takes a second copy.
        memory: bytes that the copies may take, by default a quarter of what is free; all layers are packed, or none.
    """

    def __init__(self, model: nn.Module, *, gradients: bool = False, memory: int | None = None) -> None:
        layers = [layer for _, layer in base_linears(model) if _can_be_packed(layer.weight)]
        takes = sum(layer.weight.nbytes for layer in layers) * (1 + gradients)
        memory = psutil.virtual_memory().available // 4 if memory is None else memory
        self._packed = [(layer, _product(layer, gradients)) for layer in layers] if takes <= memory else []

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
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32 and not weight.requires_grad
    return has_kernel and is_plain


Product = Callable[[torch.Tensor], torch.Tensor]


@torch.no_grad()
def _product(layer: nn.Linear, gradients: bool) -> Product:
    forward = _packed(layer.weight.detach(), layer.bias)
    if not gradients:
        return forward
    backward = _packed(layer.weight.detach().t().contiguous(), None)

    def product(inputs: torch.Tensor) -> torch.Tensor:
        if not inputs.requires_grad:
            return forward(inputs)
        out: torch.Tensor = _FrozenProduct.apply(inputs, forward, backward)  # type: ignore[no-untyped-call]
        return out

    return product


def _packed(weight_OI: torch.Tensor, bias: torch.Tensor | None) -> Product:
    multiply: Any = torch.ops.mkldnn._linear_pointwise
    packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI, None)
    return lambda inputs: multiply(inputs, packed, bias, "none", [], "")  # type: ignore[no-any-return]


class _FrozenProduct(torch.autograd.Function):
    """A product with weights that do not learn: gradients reach its input alone."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, forward: Product, backward: Product) -> torch.Tensor:
        ctx.product = backward
        return forward(inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.product(gradients[0].contiguous()), None, None
