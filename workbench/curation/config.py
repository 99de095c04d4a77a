"""What curation should keep, and how it weighs its criteria."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.records import Role

BANDS = ("easy", "medium", "hard")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurationConfig:
    """How many traces to keep, which to refuse, and what a good selection is.

    Raises:
        InputError: naming the field and the fix, for a value that cannot be meant.
    """

    size: int = 1_000
    """Traces to keep; where fewer survive, all of them are kept."""
    seed: int = 0
    """Decides between rows of equal worth, and draws the random baseline."""
    max_tokens: int = 1_024
    """Longest question and trace together, in the student's tokens."""
    required_sections: tuple[Role, ...] = ("strategy", "tactic", "check")
    """Sections that a segmented trace must have."""
    allow_unsegmented: bool = True
    """Whether a trace without steps passes on its raw reasoning alone."""
    near_overlap: float = 0.7
    """Shared words over all words of two questions, in order, from which they may be one with small edits."""
    overlap_share: float = 0.8
    """Distinctive 8-grams of a held-out question, weighed by rarity, that make a pool question its copy."""
    difficulty_mix: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    """Target shares of easy, medium and hard rows; they sum to 1."""
    difficulty_weight: float = 1.0
    """Worth of a row that its quota's difficulty band still wants."""
    diversity_weight: float = 1.0
    """Worth of a row whose strategy, level, opening and words are all new."""
    quality_weight: float = 0.5
    """Worth of a row that is verified, checked and the most concise of its kind."""

    def __post_init__(self) -> None:
        self._check("size", self.size >= 1, "at least 1")
        self._check("max_tokens", self.max_tokens >= 1, "at least 1")
        self._check("required_sections", set(self.required_sections) <= {"strategy", "tactic", "check"}, "role names")
        self._check("near_overlap", 0 < self.near_overlap <= 1, "above 0 and at most 1")
        self._check("overlap_share", 0 < self.overlap_share <= 1, "above 0 and at most 1")
        mix_is_whole = math.isclose(sum(self.difficulty_mix), 1, abs_tol=1e-6) and min(self.difficulty_mix) >= 0
        self._check("difficulty_mix", len(self.difficulty_mix) == len(BANDS) and mix_is_whole, "3 shares that sum to 1")
        for name in ("difficulty_weight", "diversity_weight", "quality_weight"):
            value = getattr(self, name)
            self._check(name, math.isfinite(value) and value >= 0, "0 or more")

    def _check(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"{name} is {getattr(self, name)!r}; it must be {wanted}")
