"""A trace as what the student sees and learns: token ids, and the section of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from workbench.errors import TrainingError
from workbench.records import SECTIONS, Trace, render
from workbench.records.rendering import Style
from workbench.students import Student

PROMPT = -1
"""The label of tokens that carry no loss."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training sequence of T tokens."""

    trace_id: str
    ids: np.ndarray
    """int32 [T]: the prompt, the rendered trace, the end token."""
    sections: np.ndarray
    """int8 [T]: the section each token belongs to (an index into ``SECTIONS``), or ``PROMPT``."""

    def __len__(self) -> int:
        return len(self.ids)


def encode_trace(trace: Trace, student: Student, style: Style = "sections") -> Example:
    """Encodes a trace; each section apart, as plain text, so that no text becomes a control token."""
    prompt = student.prompter.question_ids(trace.problem.question)
    ids, sections = list(prompt), [PROMPT] * len(prompt)
    for segment in render(trace, style):
        piece = student.prompter.text_ids(segment.text)
        ids += piece
        sections += [SECTIONS.index(segment.section)] * len(piece)
    end = student.model.generation_config.eos_token_id
    ids.append(end[0] if isinstance(end, list) else end)
    sections.append(SECTIONS.index("answer"))
    return Example(trace.id, np.asarray(ids, dtype=np.int32), np.asarray(sections, dtype=np.int8))


def encode_traces(traces: Iterable[Trace], student: Student, max_tokens: int) -> list[Example]:
    """Encodes traces and leaves out those longer than ``max_tokens``.

    Raises:
        TrainingError: where nothing is left to learn from.
    """
    examples = [encode_trace(trace, student) for trace in traces]
    fitting = [example for example in examples if len(example) <= max_tokens]
    if not fitting:
        found = f"{len(examples)} traces, all longer than max_tokens={max_tokens}" if examples else "no traces"
        raise TrainingError(f"nothing to distil: {found}; curate again or raise max_tokens")
    return fitting


def batches(lengths: list[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Groups example indices by length so that little is padded, in a seeded random order.

    Each epoch draws other neighbours: the lengths are jittered by up to a tenth before sorting. The
    result is a pure function of the arguments, so that a resumed run sees the same batches.
    """
    rng = np.random.default_rng([seed, epoch])
    jittered = np.asarray(lengths) * (1 + 0.1 * rng.random(len(lengths)))
    order = np.argsort(jittered, kind="stable").tolist()
    groups = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [groups[index] for index in rng.permutation(len(groups))]
