"""Unsloth, where it can run: its fused kernels and 4-bit weights make training fit on one small GPU."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import StudentError, TrainingError, first_line


def why_not_unsloth() -> str:
    """Returns what keeps Unsloth from running here, in one line; empty where nothing does."""
    if find_spec("unsloth") is None:
        return "unsloth is not installed: pip install 'reasonbridge-workbench[unsloth]'"
    import torch

    return "" if torch.cuda.is_available() else "unsloth needs a CUDA device: use the cpu profile"


def import_unsloth() -> Any:
    """Imports Unsloth without its statistics.

    It patches transformers and peft when it is imported, and should come before them: call this, or
    ``import unsloth``, at the very beginning of a program.

    Raises:
        StudentError: where it cannot be imported.
    """
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
    os.environ.setdefault("UNSLOTH_RETURN_LOGITS", "1")  # read at import; the check before training compares them
    try:
        return import_module("unsloth")
    except (ImportError, NotImplementedError, RuntimeError) as error:
        raise StudentError(f"unsloth cannot be imported ({first_line(error)}); choose another profile") from error


def load_unsloth(folder: Path, max_tokens: int, bits: int = 4) -> Any:
    """Loads a model with Unsloth's kernels.

    Args:
        folder: of the base student's 16-bit weights.
        max_tokens: the longest sequence.
        bits: of the frozen weights, 4 or 16; 16 is bfloat16 where the device has it, else float16.
    """
    model, _ = import_unsloth().FastLanguageModel.from_pretrained(
        model_name=str(folder),
        max_seq_length=max_tokens,
        dtype=None,
        load_in_4bit=bits == 4,
        use_gradient_checkpointing=_checkpointing(bits == 4),
    )
    return model


def wrap_unsloth(model: Any, placements: Sequence[tuple[int, str]], settings: Mapping[str, Any], seed: int) -> Any:
    """Wraps a model from `load_unsloth` with Unsloth's LoRA.

    Args:
        model: changed in place.
        placements: layer and full name of each adapted module.
        settings: ``r``, ``lora_alpha``, ``lora_dropout`` and the patterns, as `peft.LoraConfig` takes them.
        seed: of the initial values.

    Raises:
        TrainingError: where a layer lacks a module that another one has; Unsloth adapts the same kinds in all.
    """
    layers = sorted({layer for layer, _ in placements})
    kinds = sorted({module.rsplit(".", 1)[-1] for _, module in placements})
    if len(placements) != len(layers) * len(kinds):
        raise TrainingError("the budget does not reach every module of the layers: raise it, or raise first_layer")
    return import_unsloth().FastLanguageModel.get_peft_model(
        model,
        target_modules=kinds,
        layers_to_transform=layers,
        use_gradient_checkpointing=_checkpointing(getattr(model, "is_loaded_in_4bit", False)),
        random_state=seed,
        bias="none",
        **settings,
    )


def _checkpointing(is_short_of_memory: bool) -> str | bool:
    """Whoever asks for 4 bits is short of memory, and gives time for it: activations are computed twice."""
    return "unsloth" if is_short_of_memory else False
