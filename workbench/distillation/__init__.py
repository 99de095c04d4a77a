"""Hierarchical distillation: traces, weighed by level, into a budgeted adapter."""

from workbench.distillation.examples import Example, encode_trace, encode_traces
from workbench.distillation.objective import SectionWeights, weighted_loss
from workbench.distillation.trainer import DistillConfig, Distilled, distill

__all__ = [
    "DistillConfig",
    "Distilled",
    "Example",
    "SectionWeights",
    "distill",
    "encode_trace",
    "encode_traces",
    "weighted_loss",
]
