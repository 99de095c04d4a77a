"""How a student takes a trace that somebody else wrote: how surprising, how far off, how natural step by step.

Definitions (the papers' abstracts were at hand, and for the first its formula as others give it; the rest is ours):

- *surprisal*: mean of −ln p(token | prompt and trace before it), in nats.
- *rank-surprisal ratio* (arXiv 2601.14249): Σ min(rank, 100) / Σ surprisal over the trace's tokens, ranks from 1.
  Low is good: tokens that the student would not have written, yet that stand high on its list.
- *local surprisal*, the negative of local naturalness (arXiv 2510.03988): each step given only the step before
  it (the first: the prompt), averaged over its tokens and then over steps. A step is a line of the rendered trace.

Shape suffixes: B rows of a batch, T tokens of its longest row, N tokens that are judged, D hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.errors import StudentError
from workbench.records import Trace, rendered_text
from workbench.students.packed import PackedLinears
from workbench.students.student import Student

RANK_LIMIT = 100
"""Beyond it all ranks count alike: the student would never have come to such a token (arXiv 2601.14249)."""
DEFINITION = "reading/1"
"""Changes whenever the measures do, so that kept readings are not mistaken for new ones."""
_WINDOWS = 4
"""Steps of a trace that are read with the one before them alone, evenly spread over it."""
_BATCH_TOKENS = 4_096
_BLOCK = 32
_CHUNK = 256
"""Tokens whose logits exist at one time: 256 × 49,152 floats are 50 MB."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A prompt, and the steps of what should follow it, as token ids."""

    prompt: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        """Of the steps."""
        return sum(map(len, self.steps))

    def spans(self) -> list[_Span]:
        """Returns what the student has to read: the whole first, then some steps with the one before."""
        whole = _Span((*self.prompt, *(token for step in self.steps for token in step)), len(self.prompt))
        later = range(1, len(self.steps))
        places = sorted({later[round(at)] for at in np.linspace(0, len(later) - 1, _WINDOWS)}) if later else []
        return [whole, *(_Span(self.steps[i - 1] + self.steps[i], len(self.steps[i - 1])) for i in places)]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a student takes one trace; see the top of this file for the three measures."""

    tokens: int
    surprisal: float
    rank_surprisal: float
    local_surprisal: float


@dataclass(frozen=True, slots=True)
class _Span:
    ids: tuple[int, ...]
    start: int
    """The first token that is judged."""


def passage(trace: Trace, student: Student) -> Passage:
    """Returns a trace as the student learns it, cut into steps at its lines; no text becomes a control token."""
    lines = rendered_text(trace).splitlines(keepends=True)
    steps = (tuple(student.prompter.text_ids(line)) for line in lines if line.strip())
    return Passage(tuple(student.prompter.question_ids(trace.problem.question)), tuple(step for step in steps if step))


def read_passages(student: Student, passages: Sequence[Passage]) -> Iterator[tuple[int, Reading]]:
    """Yields place and reading of each passage, the longest first, in blocks that can be kept at once.

    Args:
        student: as it is; an adapter works unless it is switched off.
        passages: each with at least one step.

    Raises:
        StudentError: where the student's logits are not its output layer's, as where they are scaled or capped.
    """
    order = sorted(range(len(passages)), key=lambda place: (-passages[place].tokens, place))
    with torch.inference_mode(), PackedLinears(student.model):
        if order:
            _check(student, passages[order[-1]])
        for first in range(0, len(order), _BLOCK):
            places = order[first : first + _BLOCK]
            spans = [passages[place].spans() for place in places]
            judged = iter(_judged(student, [span for group in spans for span in group]))
            for place, group in zip(places, spans, strict=True):
                yield place, _reading([next(judged) for _ in group])


def _reading(judged: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> Reading:
    (surprisal_N, rank_N), *windows = judged
    local = [float(nats.mean()) for nats, _ in windows] or [float(surprisal_N.mean())]
    nats = float(surprisal_N.sum())
    return Reading(
        len(surprisal_N), round(nats / len(surprisal_N), 6), round(float(rank_N.sum()) / max(nats, 1e-6), 6),
        round(sum(local) / len(local), 6),
    )  # fmt: skip


def _judged(student: Student, spans: Sequence[_Span]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Surprisal and clipped rank of every judged token, span by span; spans of like length share a batch."""
    order = sorted(range(len(spans)), key=lambda place: (-len(spans[place].ids), place))
    found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    while order:
        rows = max(1, _BATCH_TOKENS // len(spans[order[0]].ids))
        batch, order = order[:rows], order[rows:]
        hidden_BTD = _hidden(student, [spans[place].ids for place in batch])
        kept = [hidden_BTD[row, spans[place].start - 1 : len(spans[place].ids) - 1] for row, place in enumerate(batch)]
        targets = [torch.tensor(spans[place].ids[spans[place].start :], device=student.device) for place in batch]
        measured = _measure(student.model.get_output_embeddings(), torch.cat(kept), torch.cat(targets))
        parts = [torch.split(part, [len(each) for each in targets]) for part in measured]
        found |= {place: (parts[0][row], parts[1][row]) for row, place in enumerate(batch)}
    return [found[place] for place in range(len(spans))]


def _hidden(student: Student, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Final hidden states [B, T, D]; padding stands on the right, where no real token sees it."""
    longest = max(map(len, rows))
    ids_BT = torch.tensor([[*row, *[row[-1]] * (longest - len(row))] for row in rows], device=student.device)
    base: Any = student.model.get_base_model() if student.has_adapter else student.model
    hidden: torch.Tensor = base.get_decoder()(input_ids=ids_BT, use_cache=False).last_hidden_state
    return hidden


def _measure(output: Any, hidden_ND: torch.Tensor, targets_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    surprisals, ranks = [], []
    for start in range(0, len(targets_N), _CHUNK):
        part = slice(start, start + _CHUNK)
        logits_NV = output(hidden_ND[part]).float()
        own_N1 = logits_NV.gather(1, targets_N[part, None])
        surprisals.append(torch.logsumexp(logits_NV, dim=1) - own_N1[:, 0])
        ranks.append((_count(logits_NV > own_N1) + 1).clamp(max=RANK_LIMIT))
    return torch.cat(surprisals).cpu(), torch.cat(ranks).cpu()


def _count(true_NV: torch.Tensor) -> torch.Tensor:
    """How many are true in each row; on CPUs numpy counts several times faster."""
    if true_NV.device.type != "cpu":
        return true_NV.sum(dim=1)
    return torch.from_numpy(np.count_nonzero(true_NV.numpy(), axis=1))


def _check(student: Student, shortest: Passage) -> None:
    ids = [*shortest.prompt, *shortest.steps[0]][:24]
    ours = student.model.get_output_embeddings()(_hidden(student, [ids])).float()
    theirs = student.model(input_ids=torch.tensor([ids], device=student.device)).logits.float()
    if (ours - theirs).abs().max() > 0.02 * theirs.abs().max():
        kind = student.model.config.model_type
        raise StudentError(f"models of kind {kind!r} scale their logits and cannot score traces yet; choose another")
