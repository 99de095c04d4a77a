"""Where training stands, in one safetensors file: adapter, optimiser state and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workbench.files import atomic_path

_MOMENTS = ("exp_avg", "exp_avg_sq")


def save_checkpoint(path: Path, model: Any, optimizer: torch.optim.Optimizer, step: int, fingerprint: str) -> None:
    """Writes the trained parameters, their AdamW moments and the number of finished steps."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in _trained(model):
        tensors[name] = parameter.detach().contiguous()
        for moment in _MOMENTS:
            tensors[f"{moment}:{name}"] = optimizer.state[parameter][moment].contiguous()
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"step": str(step), "fingerprint": fingerprint})


def load_checkpoint(path: Path, model: Any, optimizer: torch.optim.Optimizer, fingerprint: str) -> int:
    """Restores what `save_checkpoint` wrote and returns the number of finished steps.

    Returns 0, and changes nothing, where there is no checkpoint, it is damaged, or it belongs to
    another run (its fingerprint differs).
    """
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata()
            if metadata.get("fingerprint") != fingerprint:
                return 0
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # no mapping
    except (FileNotFoundError, SafetensorError):
        return 0
    step = int(metadata["step"])
    for name, parameter in _trained(model):
        parameter.data.copy_(tensors[name])
        moments = {moment: tensors[f"{moment}:{name}"].to(parameter.device) for moment in _MOMENTS}
        optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    return step


def _trained(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
