"""From a pool of traces to about a thousand: filters, decontamination, one joint selection, a funnel."""

from workbench.curation.config import BANDS, CRITERIA, STRATEGIES, CurationConfig
from workbench.curation.curate import curate
from workbench.curation.funnel import Composition, CurationReport, FilterStep, Stage
from workbench.curation.held_out import HeldOutSet
from workbench.curation.modes import FILTERS, MODES, Filters
from workbench.curation.proposing import NotRun
from workbench.curation.selection import selector
from workbench.curation.semantic import Embed
from workbench.curation.suitability import STUDENT_MEASURES, ReadTraces
from workbench.curation.survivors import Survivors, read_survivors

__all__ = [
    "BANDS",
    "CRITERIA",
    "FILTERS",
    "MODES",
    "STRATEGIES",
    "STUDENT_MEASURES",
    "Composition",
    "CurationConfig",
    "CurationReport",
    "Embed",
    "FilterStep",
    "Filters",
    "HeldOutSet",
    "NotRun",
    "ReadTraces",
    "Stage",
    "Survivors",
    "curate",
    "read_survivors",
    "selector",
]
