"""Linear layers in 8 bits, for decoding on CPUs: a quarter of the bytes, several times the arithmetic.

Weights are rounded once, with a scale for each output channel; activations are rounded on the fly, with
a scale for each token, so that a token's numbers depend on no other token of its batch. A few input
channels of each layer carry values many times larger than the others; a short text tells which they are,
and they stay in full precision (as in LLM.int8(), Dettmers et al., arXiv 2208.07339, but chosen
beforehand). Layers that read the same tensor, such as query, key and value, are one product.

Shape suffixes: N tokens, I input channels, K kept channels, O output channels.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from workbench.errors import StudentError
from workbench.students.packed import base_linears

KEPT_CHANNELS = 16
"""Input channels of a layer in full precision: enough, on SmolLM2-135M, to bring the error of rounded
activations near that of rounded weights."""
_ZERO_POINT = 128
"""Activations are unsigned for the kernel; this stands for 0."""


class Int8Product:
    """The product of one tensor with the weights of all layers that read it.

    Args:
        linears: the layers; they have the same input channels.
        largest_I: the largest magnitude seen in each channel.
    """

    def __init__(self, linears: Sequence[nn.Linear], largest_I: torch.Tensor) -> None:
        weight_OI = torch.cat([linear.weight.detach().float() for linear in linears])
        self._kept_K = largest_I.topk(min(KEPT_CHANNELS, len(largest_I))).indices
        self._others_I = torch.ones_like(largest_I).index_fill_(0, self._kept_K, 0)
        self._kept_KO = weight_OI[:, self._kept_K].t().contiguous()
        weight_OI.index_fill_(1, self._kept_K, 0)
        self._scale_O = weight_OI.abs().amax(1).div(127).clamp(min=1e-12)
        rounded_OI = (weight_OI / self._scale_O[:, None]).round_().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(rounded_OI, None)
        self._zeros_O = torch.zeros(len(weight_OI), dtype=torch.int32)
        self._readers = len(linears)
        self._kept: tuple[torch.Tensor, torch.Tensor, int] | None = None
        """What was read last, its product, and how many layers have yet to come for it."""

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns [..., O] for [..., I]; computed once for all layers that come with the same tensor."""
        # Read once, so that another thread can at worst make this one compute again.
        kept = self._kept
        product, left = kept[1:] if kept and kept[0] is inputs else (self._multiply(inputs), self._readers)
        self._kept = (inputs, product, left - 1) if left > 1 else None
        return product

    def _multiply(self, inputs: torch.Tensor) -> torch.Tensor:
        flat_NI = inputs.reshape(-1, inputs.shape[-1])
        scale_N1 = (flat_NI * self._others_I).abs_().amax(-1, keepdim=True).div_(127).clamp_(min=1e-12)
        # Kept channels may leave the range of 8 bits; the weights that would meet them are zero.
        rounded_NI = (flat_NI / scale_N1).add_(_ZERO_POINT + 0.5).clamp_(0, 255).to(torch.uint8)
        product_NO: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            *(rounded_NI, 1.0, _ZERO_POINT, self._packed, self._scale_O, self._zeros_O),
            *(None, 1.0, 0, torch.float32, "none", [], ""),
        )
        kept_NK = flat_NI.index_select(1, self._kept_K)
        product_NO = product_NO.mul_(scale_N1).addmm_(kept_NK, self._kept_KO)
        return product_NO.view(*inputs.shape[:-1], product_NO.shape[-1])


class Int8Linear(nn.Module):
    """A linear layer whose weights are 8-bit integers, but for a few input channels.

    Args:
        linear: the layer to stand in for.
        product: shared with the layers that read the same tensor.
        start: of its output channels in the product's.
    """

    def __init__(self, linear: nn.Linear, product: Int8Product, start: int) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._product, self._own = product, slice(start, start + linear.out_features)
        self.bias = linear.bias
        self.weight = linear.weight[:0]
        """Empty; for those who ask a linear layer for its type or device."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Takes [..., I], returns [..., O]."""
        out = self._product(inputs)[..., self._own]
        return out if self.bias is None else out + self.bias


def quantized_model(model: Any, texts_ids: Sequence[Sequence[int]]) -> Any:
    """Returns a copy whose linear layers are `Int8Linear`; everything else is shared with the model.

    Adapter layers stay as they are, around the rounded ones.

    Args:
        model: a causal LM in fp32 on a CPU.
        texts_ids: some token ids, to tell the channels with large values by.

    Raises:
        StudentError: where this machine has no 8-bit arithmetic that torch can use.
    """
    weight = model.get_input_embeddings().weight
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise StudentError("8-bit decoding is for fp32 on CPUs; on a GPU load the student with a 16-bit dtype instead")
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    twin = copy.deepcopy(model, shared)
    try:
        for paths, largest_I in _readers(twin, texts_ids):
            linears = [twin.get_submodule(path) for path in paths]
            product, start = Int8Product(linears, largest_I), 0
            for path, linear in zip(paths, linears, strict=True):
                parent, _, name = path.rpartition(".")
                setattr(twin.get_submodule(parent), name, Int8Linear(linear, product, start))
                start += linear.out_features
    except (AttributeError, NotImplementedError, RuntimeError) as error:
        raise StudentError("torch has no 8-bit linear layers on this machine; leave fast mode out") from error
    return twin


def _readers(model: Any, texts_ids: Sequence[Sequence[int]]) -> list[tuple[list[str], torch.Tensor]]:
    """The paths of linear layers that read the same tensor, and the largest magnitudes in its channels."""
    largest: dict[str, torch.Tensor] = {}
    first: dict[str, str] = {}
    last: tuple[str, torch.Tensor | None] = "", None

    def watch(path: str, given: torch.Tensor) -> None:
        nonlocal last
        if given is not last[1]:
            last = path, given
        first[path] = last[0]
        seen_I = given.reshape(-1, given.shape[-1]).abs().amax(0)
        largest[path] = torch.maximum(largest.get(path, seen_I), seen_I)

    hooks = [
        layer.register_forward_pre_hook(lambda _, given, path=path: watch(path, given[0]))
        for path, layer in base_linears(model)
    ]
    try:
        with torch.no_grad():
            for ids in texts_ids:
                model(torch.tensor([ids]), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    groups = dict.fromkeys(first.values())
    return [([path for path in first if first[path] == group], largest[group]) for group in groups]
