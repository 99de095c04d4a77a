"""From a pool of traces to about a thousand: filters, decontamination, one joint selection, a funnel."""

from workbench.curation.config import BANDS, CurationConfig
from workbench.curation.curate import curate
from workbench.curation.funnel import Composition, CurationReport, Stage

__all__ = ["BANDS", "Composition", "CurationConfig", "CurationReport", "Stage", "curate"]
