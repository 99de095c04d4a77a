"""Weights in the order in which a CPU's kernels read them, laid out once rather than at every product.

A plain product reorders the weights each time it is called, which is a large part of the work wherever
few tokens meet many weights: packed, SmolLM2-135M takes 0.7 to 0.8 of the time for one token on two cores, 0.5 to
0.65 for eight, 0.75 to 0.8 for a hundred rows (`tests/benchmarks`). The numbers differ in their last bits only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

import psutil
import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import nn


class PackedLinears:
    """Inside, a model's linear layers multiply with packed copies of their weights.

    The copies are made once: afterwards the layers' own weights must stay as they are, while an adapter
    around them may change. Layers whose weights learn are left alone. Where nothing can be packed, nothing
    changes. With gradients, plain LoRA around a packed layer is computed in one go with it.

    Args:
        model: a causal LM, with or without adapter layers.
        gradients: pass gradients on to what comes before a layer, which takes a second copy.
        memory: bytes that the copies may take, by default a quarter of what is free; all layers are packed, or none.
    """

    def __init__(self, model: nn.Module, *, gradients: bool = False, memory: int | None = None) -> None:
        layers = [layer for _, layer in base_linears(model) if _can_be_packed(layer.weight)]
        takes = sum(layer.weight.nbytes for layer in layers) * (1 + gradients)
        memory = psutil.virtual_memory().available // 4 if memory is None else memory
        self._packed = {layer: _product(layer, gradients) for layer in layers} if takes <= memory else {}
        self._replaced: list[tuple[nn.Module, Product]] = list(self._packed.items())
        if gradients:
            tuned = [module for module in model.modules() if _is_tuned(module) and module.base_layer in self._packed]
            self._replaced += [(module, _tuned_product(module, self._packed[module.base_layer])) for module in tuned]

    @property
    def layers(self) -> int:
        """Layers that have a packed copy."""
        return len(self._packed)

    def __enter__(self) -> PackedLinears:
        for module, forward in self._replaced:
            vars(module)["forward"] = forward  # nn.Module's own __setattr__ takes ten times as long
        return self

    def __exit__(self, *exception: object) -> None:
        for module, _ in self._replaced:
            vars(module).pop("forward", None)


def base_linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Yields path and layer of each plain linear layer; those of an adapter are left out."""
    for path, layer in model.named_modules():
        if type(layer) is nn.Linear and "lora_" not in path:
            yield path, layer


def _can_be_packed(weight: torch.Tensor) -> bool:
    has_kernel = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32 and not weight.requires_grad
    return has_kernel and is_plain


def _is_tuned(module: nn.Module) -> TypeGuard[Any]:
    """True for a LoRA module that does nothing but add its two products to the layer's."""
    if not isinstance(module, LoraLinear) or module.merged or module.disable_adapters:
        return False
    names = module.active_adapters
    extras = [module.use_dora.get(name) or module.lora_bias.get(name) for name in names]
    is_plain = len(names) == 1 and not any(extras) and isinstance(module.lora_dropout[names[0]], nn.Identity)
    return is_plain and module.lora_A[names[0]].weight.dtype == torch.float32


Product = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Frozen:
    """A product with weights that do not learn; gradients reach its input, where ``backward`` is there."""

    forward: Product
    backward: Product | None

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        if not inputs.requires_grad or self.backward is None:
            return self.forward(inputs)
        out: torch.Tensor = _FrozenProduct.apply(inputs, self)  # type: ignore[no-untyped-call]
        return out


@torch.no_grad()
def _product(layer: nn.Linear, gradients: bool) -> _Frozen:
    weight = layer.weight.detach()
    return _Frozen(_packed(weight, layer.bias), _packed(weight.t().contiguous(), None) if gradients else None)


def _tuned_product(module: Any, frozen: _Frozen) -> Product:
    (name,) = module.active_adapters
    down, up, scale = module.lora_A[name], module.lora_B[name], module.scaling[name]
    return lambda inputs: _TunedProduct.apply(inputs, down.weight, up.weight, scale, frozen)  # type: ignore[no-any-return, no-untyped-call]


def _packed(weight_OI: torch.Tensor, bias: torch.Tensor | None) -> Product:
    multiply: Any = torch.ops.mkldnn._linear_pointwise
    packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI, None)
    return lambda inputs: multiply(inputs, packed, bias, "none", [], "")  # type: ignore[no-any-return]


class _FrozenProduct(torch.autograd.Function):
    """A product with weights that do not learn: gradients reach its input alone."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, frozen: _Frozen) -> torch.Tensor:
        ctx.product = frozen.backward
        return frozen.forward(inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.product(gradients[0].contiguous()), None


class _TunedProduct(torch.autograd.Function):
    """A frozen product and its LoRA, x Wᵀ + s (x Aᵀ) Bᵀ, without a pass over memory of its own for scale and sum.

    Shape suffixes: N tokens, I and O inputs and outputs, R rank.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: torch.Tensor, down_RI: torch.Tensor, up_OR: torch.Tensor, scale: float, frozen: _Frozen
    ) -> torch.Tensor:
        inputs_NI = inputs.reshape(-1, inputs.shape[-1])
        low_NR = inputs_NI @ down_RI.t()
        out = frozen.forward(inputs)
        out.view(-1, out.shape[-1]).addmm_(low_NR, up_OR.t(), alpha=scale)
        ctx.save_for_backward(inputs_NI, low_NR, down_RI, up_OR)
        ctx.scale, ctx.product, ctx.shape = scale, frozen.backward, inputs.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        inputs_NI, low_NR, down_RI, up_OR = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        gradient_NO = gradient.view(-1, gradient.shape[-1])
        low_gradient_NR = (gradient_NO @ up_OR).mul_(ctx.scale)
        up_gradient_OR = (gradient_NO.t() @ low_NR).mul_(ctx.scale)
        down_gradient_RI = low_gradient_NR.t() @ inputs_NI
        if not ctx.needs_input_grad[0]:
            return None, down_gradient_RI, up_gradient_OR, None, None
        back = ctx.product(gradient)
        back.view(-1, back.shape[-1]).addmm_(low_gradient_NR, down_RI)
        return back.view(ctx.shape), down_gradient_RI, up_gradient_OR, None, None
