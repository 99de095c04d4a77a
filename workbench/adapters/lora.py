"""The sparse reasoning adapter as LoRA (Hu et al., arXiv 2106.09685), with a rank for each module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from workbench.acceleration import wrap_unsloth
from workbench.adapters.allocation import Placement
from workbench.adapters.budget import count_parameters, count_trained, parameter_budget
from workbench.errors import TrainingError

SCALE = 2.0
"""alpha / rank, the same for every module."""


def attach_lora(
    model: Any,
    placements: Sequence[Placement],
    *,
    base_name: str,
    seed: int,
    scale: float = SCALE,
    backend: str = "transformers",
) -> Any:
    """Wraps the model with freshly initialised LoRA modules and freezes everything else.

    The checkpoint is written so that loaders agree on the scaling, whether they read PEFT's patterns
    or scale by the global alpha over r; one that divides alpha by a tensor's own rank needs merged weights.

    Args:
        model: a transformers causal LM; it is changed in place.
        placements: from `allocate`.
        base_name: what a saved adapter names as its base.
        seed: of the initial values.
        scale: alpha over rank.
        backend: ``unsloth`` for a model that `workbench.acceleration` loaded.
    """
    largest = max(place.rank for place in placements)
    settings: dict[str, Any] = {
        "r": largest,
        "lora_alpha": scale * largest,  # PEFT divides by the rank; a float is fine
        "lora_dropout": 0.0,
        "rank_pattern": {place.module: place.rank for place in placements if place.rank != largest},
        "alpha_pattern": {place.module: scale * place.rank for place in placements if place.rank != largest},
    }
    modules = [place.module for place in placements]
    if backend == "unsloth":
        adapted = wrap_unsloth(model, [(place.layer, place.module) for place in placements], settings, seed)
    else:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", target_modules=modules, **settings))
    adapted.peft_config["default"].base_model_name_or_path = base_name
    return adapted


def check_budget(adapted: Any, fraction: float) -> int:
    """Returns the number of trained parameters, counted from the model.

    Raises:
        TrainingError: where it exceeds ``floor(fraction × base parameters)``.
    """
    trained, budget = count_trained(adapted), parameter_budget(adapted, fraction)
    if trained > budget:
        raise TrainingError(f"the adapter trains {trained:,} parameters, {trained - budget:,} over its budget")
    return trained


def audit(adapted: Any, placements: Sequence[Placement]) -> dict[str, Any]:
    """Returns what is trained, module by module, and that it adds up to the model's own count."""
    base, trained = count_parameters(adapted), count_trained(adapted)
    modules = [{"layer": p.layer, "module": p.module, "rank": p.rank, "parameters": p.parameters} for p in placements]
    return {
        "base_parameters": base,
        "trained_parameters": trained,
        "trained_fraction": trained / base,
        "adds_up": trained == sum(p.parameters for p in placements),
        "modules": modules,
    }
