"""What curation should keep, and how it weighs its criteria."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from workbench.curation.modes import Filters
from workbench.errors import InputError
from workbench.records import Role

BANDS = ("easy", "medium", "hard")
CRITERIA = ("difficulty", "diversity", "quality", "suitability", "length")
"""What a selection is judged by; each has a weight, and a gain in ``kept.parquet``."""
MOST_WEIGHT = 1_000

Strategy = Literal["joint", "random", "longest", "s1", "diverse"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurationConfig:
    """How many traces to keep, which to refuse, and what a good selection is.

    Raises:
        InputError: naming the field and the fix, for a value that cannot be meant.
    """

    size: int = 1_000
    """Traces to keep; where fewer survive, all of them are kept."""
    strategy: Strategy = "joint"
    """How rows are chosen; all but ``joint`` are baselines, see `workbench.curation.strategies`."""
    seed: int = 0
    """Decides between rows of equal worth, and draws the random baseline."""
    filters: Filters = field(default_factory=Filters)
    """How strict each filter is."""
    max_tokens: int = 1_024
    """Longest question and trace together, in the student's tokens."""
    required_sections: tuple[Role, ...] = ("strategy", "tactic", "check")
    """Sections that a segmented trace must have."""
    allow_unsegmented: bool = True
    """Whether a trace without steps passes on its raw reasoning alone."""
    student_sample: int = 500
    """Survivors that the student reads, where one does; its judgement of the others is predicted. 0: it reads all."""
    near_overlap: float = 0.7
    """Shared words over all words of two questions, in order, from which they may be one with small edits."""
    overlap_share: float = 0.8
    """Distinctive 8-grams of a held-out question, weighed by rarity, that make a pool question its copy."""
    language: str = "en"
    """Of the traces (ISO 639-1): what the language filter asks for and the data card states."""
    difficulty_mix: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    """Target shares of easy, medium and hard rows; they sum to 1."""
    difficulty_weight: float = 1.0
    """Worth of a row that its quota's difficulty band still wants."""
    diversity_weight: float = 1.0
    """Worth of a row whose strategy, level, opening and words are all new."""
    quality_weight: float = 0.5
    """Worth of a row that is verified, sound in its steps, really checked and the most concise of its kind."""
    suitability_weight: float = 0.5
    """Worth of a row that suits the student best; without a student's scores nothing depends on it."""
    length_weight: float = 0.5
    """Worth of a row of a length, short or long, that its quota still wants."""
    long_share: float = 0.2
    """Target share of long traces in every quota (arXiv 2502.12143: about 4 short to 1 long for 1.5B)."""

    def __post_init__(self) -> None:
        self._check("size", self.size >= 1, "at least 1")
        self._check("filters", isinstance(self.filters, Filters), "a workbench.curation.Filters")
        self._check("max_tokens", self.max_tokens >= 1, "at least 1")
        self._check("language", self.language.isalpha() and self.language.islower(), "an ISO 639-1 code such as en")
        self._check("student_sample", self.student_sample >= 0, "0 or more")
        self._check("required_sections", set(self.required_sections) <= {"strategy", "tactic", "check"}, "role names")
        self._check("near_overlap", 0 < self.near_overlap <= 1, "above 0 and at most 1")
        self._check("overlap_share", 0 < self.overlap_share <= 1, "above 0 and at most 1")
        mix_is_whole = math.isclose(sum(self.difficulty_mix), 1, abs_tol=1e-6) and min(self.difficulty_mix) >= 0
        self._check("difficulty_mix", len(self.difficulty_mix) == len(BANDS) and mix_is_whole, "3 shares that sum to 1")
        self._check("strategy", self.strategy in STRATEGIES, f"one of {', '.join(STRATEGIES)}")
        self._check("long_share", 0 <= self.long_share <= 1, "from 0 to 1")
        for name in (f"{criterion}_weight" for criterion in CRITERIA):
            self._check(name, 0 <= getattr(self, name) <= MOST_WEIGHT, f"from 0 to {MOST_WEIGHT:,}")

    @property
    def weights(self) -> dict[str, float]:
        """The criteria's weights by name, in the order of `CRITERIA`."""
        return {criterion: float(getattr(self, f"{criterion}_weight")) for criterion in CRITERIA}

    def _check(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"{name} is {getattr(self, name)!r}; it must be {wanted}")
