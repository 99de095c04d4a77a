"""Where problems and traces come from."""

from workbench.pool.config import RICH, PoolConfig
from workbench.pool.defects import KINDS, Label
from workbench.pool.embedded import (
    POOL_SIZE,
    core_families,
    embedded_pool,
    embedded_problems,
    labelled_pool,
    seen_families,
    unseen_families,
    worked_answer,
)
from workbench.pool.family import Family, WorkedSolution
from workbench.pool.forms import Form, form_of
from workbench.pool.importing import ImportConfig, ImportReport, import_pool, rejected_path
from workbench.pool.segmenter import segment, segment_trace
from workbench.pool.writing import labels_path, read_labels, usual_workers, write_pool

__all__ = [
    "KINDS",
    "POOL_SIZE",
    "RICH",
    "Family",
    "Form",
    "ImportConfig",
    "ImportReport",
    "Label",
    "PoolConfig",
    "WorkedSolution",
    "core_families",
    "embedded_pool",
    "embedded_problems",
    "form_of",
    "import_pool",
    "labelled_pool",
    "labels_path",
    "read_labels",
    "rejected_path",
    "seen_families",
    "segment",
    "segment_trace",
    "unseen_families",
    "usual_workers",
    "worked_answer",
    "write_pool",
]
