"""ReasonBridge Workbench: carry reasoning from a strong teacher into a small open student.

The public names are imported when they are first used, so that `import workbench` needs neither
torch nor a GPU.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "workbench.adapters": ("count_by_part",),
    "workbench.api": ("compare", "curate", "distill", "embedded_pool", "evaluate", "measure", "sample", "solve"),
    "workbench.comparison": ("read_comparisons",),
    "workbench.collecting": ("collect_traces",),
    "workbench.curation": ("CurationConfig", "Filters"),
    "workbench.distillation": ("DistillConfig", "SectionWeights"),
    "workbench.errors": ("WorkbenchError",),
    "workbench.evaluation": ("dose_response",),
    "workbench.exhibits": (
        "browse_answers",
        "browse_choices",
        "browse_comparisons",
        "browse_traces",
        "browse_weights",
        "side_by_side",
        "survivor_columns",
    ),
    "workbench.grading": ("grade",),
    "workbench.interventions": ("Budget", "Guidance", "Intervention", "PlanFirst", "Verify"),
    "workbench.pool": ("ImportConfig", "import_pool"),
    "workbench.preflight": ("doctor",),
    "workbench.profiles": ("PROFILES", "profile"),
    "workbench.records": ("Completion", "Event", "Grade", "Problem", "Step", "Trace", "read_records", "write_records"),
    "workbench.students": ("export_student", "load_student"),
    "workbench.views.app": ("compare_app",),
    "workbench.views.cards": ("table",),
    "workbench.views.curation_plots": ("plot_criteria", "plot_map", "plot_waterfall"),
    "workbench.views.notebook_plots": ("plot_doses", "plot_parameters", "plot_pool"),
    "workbench.views.panes": ("completion_pane", "panes_html", "trace_pane"),
    "workbench.views.plots": (
        "plot_adapter",
        "plot_composition",
        "plot_families",
        "plot_flips",
        "plot_funnel",
        "plot_loss",
    ),
    "workbench.views.widgets": ("browse",),
    "workbench.workflow": ("benchmark",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
