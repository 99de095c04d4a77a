"""Do two ways of decoding agree, and where they do not, was it a coin's edge?

Sums in another order differ in their last bits. Where the two best logits are closer than that, two
correct engines may write different tokens, and all that follows differs too. Such a place is counted,
not hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from workbench.students import Student

NEAR_TIE = 1e-3
"""Two logits closer than this are a tie as far as fp32 can tell."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many answers of two decodings are the same."""

    same: int = 0
    near_ties: int = 0
    """Answers that part where both choices are within `NEAR_TIE` of the best logit."""
    different: int = 0
    """Answers that part anywhere else: a defect, where both were meant to be exact."""

    @property
    def exact(self) -> bool:
        """True where nothing but near ties differs."""
        return not self.different


def agreement(
    student: Student, answers: Iterable[tuple[Sequence[int], Sequence[int], Sequence[int]]], *, adapter: bool = True
) -> Agreement:
    """Compares greedy answers pair by pair.

    Args:
        student: who gave both.
        answers: prompt, answer and other answer, all as token ids without the end token; both were
            decoded with the same limit.
        adapter: whether the student's adapter was on.
    """
    counts = {"same": 0, "near_ties": 0, "different": 0}
    for prompt, ours, theirs in answers:
        ours, theirs = tuple(ours), tuple(theirs)
        if ours == theirs:
            counts["same"] += 1
            continue
        pairs = zip(ours, theirs, strict=False)
        parted = next((n for n, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(ours), len(theirs)))
        choices = ours[parted : parted + 1], theirs[parted : parted + 1]
        gap = _gap(student, [*prompt, *ours[:parted]], choices, adapter)
        counts["near_ties" if gap < NEAR_TIE else "different"] += 1
    return Agreement(**counts)


@torch.no_grad()
def _gap(student: Student, ids: Sequence[int], choices: Sequence[Sequence[int]], adapter: bool) -> float:
    """How far the worse of two choices after ``ids`` is from the best logit, from one plain pass; none is the end."""
    with student.adapter_on([adapter] * len(ids)):
        logits_V = student.model(torch.tensor([list(ids)], device=student.device), use_cache=False).logits[0, -1]
    worse = min(max(float(logits_V[token]) for token in choice or student.end_ids) for choice in choices)
    return float(logits_V.max()) - worse
