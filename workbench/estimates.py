"""What long work will take on this machine: its FLOPs, over the rate that is measured now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from workbench.adapters import count_parameters
from workbench.distillation import DistillConfig, Example
from workbench.distillation.examples import PROMPT
from workbench.records import Problem
from workbench.students import Student
from workbench.students.surprisal import Passage

TRAINING_EFFICIENCY = 0.5
"""Share of the matrix rate that a training step reaches on two cores (measured)."""
DECODING_EFFICIENCY = {False: 0.5, True: 0.75}
"""Share of the plain matrix rate that decoding reaches, in fp32 and in 8 bits, prompts included (measured)."""
READING_EFFICIENCY = 0.5
"""Share of the matrix rate that reading reaches on two cores (measured)."""
GUESSED_ANSWER_TOKENS = 80
"""What an answer takes on average before anything is known of the arm."""


def matrix_rate(device: torch.device, seconds: float = 0.3) -> float:
    """Returns the machine's fp32 matrix rate in FLOP/s, measured for ``seconds``."""
    left, right = torch.randn(512, 1024, device=device), torch.randn(1024, 1024, device=device)
    product, count = left @ right, 0
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        product = left @ right
        count += 1
    product.sum().item()  # waits for a device that works asynchronously
    return count * 2 * 512 * 1024 * 1024 / (time.monotonic() - started)


def _layer_and_output_parameters(model: Any) -> tuple[float, float]:
    """Parameters that a token meets in one layer, and in the output embedding."""
    output = model.get_output_embeddings().weight.numel()
    embeddings = output + model.get_input_embeddings().weight.numel()
    if model.get_output_embeddings().weight is model.get_input_embeddings().weight:
        embeddings = output
    return (count_parameters(model) - embeddings) / model.config.get_text_config().num_hidden_layers, output


def distill_flops(student: Student, examples: Sequence[Example], config: DistillConfig) -> float:
    """Counts what distillation multiplies: the trunk once, then head and output for every epoch, there and back."""
    layer, output = _layer_and_output_parameters(student.model)
    layers, first = student.model.config.get_text_config().num_hidden_layers, config.lowest_layer(student.model)
    tokens = sum(len(example) - len(student.prompter.opening) for example in examples)
    learned = sum(int((example.sections != PROMPT).sum()) for example in examples)
    trunk = 2 * tokens * first * layer
    epoch = 4 * tokens * (layers - first) * layer + 4 * learned * output
    return float(trunk + config.epochs * epoch)


def distill_seconds(student: Student, examples: Sequence[Example], config: DistillConfig) -> float:
    """Estimates how long distillation takes here."""
    return distill_flops(student, examples, config) / (TRAINING_EFFICIENCY * matrix_rate(student.device))


def reading_seconds(student: Student, passages: Sequence[Passage]) -> float:
    """Estimates how long a student takes to read traces once, windows included."""
    layer, output = _layer_and_output_parameters(student.model)
    body = layer * student.model.config.get_text_config().num_hidden_layers
    spans = [span for each in passages for span in each.spans()]
    read, judged = sum(len(span.ids) for span in spans), sum(len(span.ids) - span.start for span in spans)
    return float(2 * read * body + 2 * judged * output) / (READING_EFFICIENCY * matrix_rate(student.device))


def decode_seconds(student: Student, problems: Sequence[Problem], arms: int, *, fast: bool = False) -> float:
    """Estimates the decoding of all problems in some arms, before anything is known of the answers."""
    layer, output = _layer_and_output_parameters(student.model)
    body = layer * student.model.config.get_text_config().num_hidden_layers
    prompts = sum(student.prompter.count(problem.question) for problem in problems)
    flops = 2 * prompts * body + 2 * len(problems) * GUESSED_ANSWER_TOKENS * (body + output)
    return float(arms * flops) / (DECODING_EFFICIENCY[fast] * matrix_rate(student.device))
