"""The sparse reasoning adapter: its budget, where it is spent, and what is trained."""

from workbench.adapters.allocation import Placement, allocate, decoder_layers
from workbench.adapters.budget import count_by_part, count_parameters, count_trained, parameter_budget
from workbench.adapters.lora import attach_lora, audit, check_budget

__all__ = [
    "Placement",
    "allocate",
    "attach_lora",
    "audit",
    "check_budget",
    "count_by_part",
    "count_parameters",
    "count_trained",
    "decoder_layers",
    "parameter_budget",
]
