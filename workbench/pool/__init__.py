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
from workbench.pool.importing import ImportConfig, ImportReport, import_pool, rejected_path
from workbench.pool.segmenter import segment, segment_trace

__all__ = [
    "POOL_SIZE",
    "Family",
    "ImportConfig",
    "ImportReport",
    "WorkedSolution",
    "embedded_pool",
    "embedded_problems",
    "import_pool",
    "rejected_path",
    "seen_families",
    "segment",
    "segment_trace",
    "unseen_families",
    "worked_answer",
]
