"""Where problems and traces come from."""

from workbench.pool.embedded import (
    POOL_SIZE,
    embedded_pool,
    embedded_problems,
    seen_families,
    unseen_families,
    worked_answer,
)
from workbench.pool.family import Family, WorkedSolution

__all__ = [
    "POOL_SIZE",
    "Family",
    "WorkedSolution",
    "embedded_pool",
    "embedded_problems",
    "seen_families",
    "unseen_families",
    "worked_answer",
]
