"""How many parameters may be trained: counted from the model, never from a formula."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from workbench.errors import InputError


def count_parameters(model: Any) -> int:
    """Returns the number of distinct parameters; tied weights count once.

    An adapter's own parameters do not count: the budget is a fraction of the base model's.
    """
    distinct = {id(p): _numbers(p) for name, p in model.named_parameters() if "lora_" not in name}
    return sum(distinct.values())


def _numbers(parameter: Any) -> int:
    """Weights of 4 bits lie packed, two or more in an element; their own shape is kept beside them."""
    packed = getattr(parameter, "quant_state", None)
    return math.prod(packed.shape) if packed is not None else parameter.numel()


def parameter_budget(model: Any, fraction: float) -> int:
    """Returns ``floor(fraction × base parameters)``, in exact arithmetic.

    Raises:
        InputError: where the fraction is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise InputError(f"budget={fraction} must lie in (0, 1]; the paper's is 0.003")
    return int(Fraction(str(fraction)) * count_parameters(model))


def count_trained(model: Any) -> int:
    """Returns the number of distinct parameters that training would change."""
    return sum({id(p): p.numel() for p in model.parameters() if p.requires_grad}.values())


def count_by_part(model: Any) -> dict[str, int]:
    """Returns how many parameters each kind of part has over all layers, the largest first; tied weights once.

    A part is called as the model calls it: ``embed_tokens``, ``q_proj``, … An adapter's own do not count.
    """
    counts: dict[str, int] = {}
    seen: set[int] = set()
    for name, parameter in model.named_parameters():
        if "lora_" in name or id(parameter) in seen:
            continue
        seen.add(id(parameter))
        part = name.replace(".base_layer", "").split(".")[-2]
        counts[part] = counts.get(part, 0) + _numbers(parameter)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
