"""What the embedded pool is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.errors import InputError

SHARES = ("long_share", "slip_share", "defect_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfig:
    """Which problems the pool has, and how they are told; the defaults are plain, short and clean.

    A small student learns a form from fewer traces when it does not vary, so variety is asked for.

    Raises:
        InputError: naming the field and the fix.
    """

    families: Literal["core", "all"] = "all"
    """``core``: those of the demo, few enough for a student of 135M parameters and 1,000 traces."""
    ladder: Literal["usual", "wide"] = "usual"
    """``wide`` adds levels below and above those of the benchmarks, where a family has them."""
    long_share: float = 0.0
    """Traces in the long form: what is asked in words, the steps one by one, two checks."""
    wordings: int = 1
    """Ways of wording; 1 is the plain one alone."""
    slip_share: float = 0.0
    """Long traces with a slip that the check finds and mends; each says so in its ``usage``."""
    defect_share: float = 0.0
    """Traces with a planted defect; which ones stands in ``STEM.labels.jsonl`` and nowhere else."""
    champ: bool = False
    """Mixes in CHAMP's 270 problems (``pip install champ-dataset``); it is itself a benchmark."""

    def __post_init__(self) -> None:
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)} must lie between 0 and 1")
        if self.wordings < 1:
            raise InputError(f"wordings={self.wordings} must be at least 1; 1 is the plain wording alone")
        if self.slip_share and not self.long_share:
            raise InputError(f"slip_share={self.slip_share} has no long traces to slip in; raise long_share as well")


RICH = PoolConfig(ladder="wide", long_share=0.4, wordings=24, slip_share=0.25)
"""All levels, both forms, many wordings, slips that are mended."""
