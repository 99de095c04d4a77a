"""What a report shows: plain data that whoever measured fills in, and nothing that computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from workbench.evaluation.statistics import Gain
from workbench.views.panes import Pane as Pane

Flip = Literal["rescued", "broken", "same"]


class Interval(TypedDict):
    """A fraction with its 95 % interval, as `dataclasses.asdict` makes it of an ``Estimate``."""

    value: float
    low: float
    high: float


class FamilyRow(TypedDict):
    """One family of problems in every arm."""

    family: str
    domain: str
    unseen: bool
    """True where training saw no problem of this family."""
    n: int
    """Problems of this family, the same in every arm."""
    arms: dict[str, Interval]
    """Accuracy by arm: ``base``, ``student``, ``student_guided``, ``teacher`` or others."""
    gain: NotRequired[Gain | None]
    """Student against base, both unguided."""
    format_rate: NotRequired[dict[str, float]]
    """The fraction of answers in the trained format, by arm, right or wrong."""


class FlipRow(TypedDict):
    """How often the student answered what its base did not, and the reverse."""

    family: str
    rescued: int
    broken: int


class RankCell(TypedDict):
    """How much is trained in one matrix of the student; rank 0 where nothing is."""

    layer: int
    module: str
    rank: int
    parameters: int


class FunnelStage(TypedDict):
    """One filter of the curation."""

    name: str
    before: int
    after: int
    reasons: NotRequired[dict[str, int]]
    """Rows dropped, by reason."""


class CheckedSet(TypedDict):
    """A set of held-out questions, and the rows dropped for it."""

    name: str
    questions: int
    dropped: int
    rules: dict[str, int]


class NotChecked(TypedDict):
    """A known benchmark that was not held against the pool."""

    name: str
    why: str


class Contamination(TypedDict):
    """What curation held against the pool; the examples in ``funnel.json`` are not shown."""

    checked: list[CheckedSet]
    not_checked: list[NotChecked]


class Selection(TypedDict):
    """What a set of rows is made of."""

    domains: dict[str, int]


class Composition(TypedDict):
    """The rows kept, and as many drawn at random."""

    kept: Selection
    random: Selection


class Funnel(TypedDict):
    """From the pool to what was kept: the part of ``funnel.json`` that is shown."""

    stages: list[FunnelStage]
    filters: NotRequired[list[FunnelStage]]
    """What the first stage did, filter by filter."""
    contamination: NotRequired[Contamination | None]
    composition: NotRequired[Composition | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one stage took."""

    stage: str
    seconds: float
    tokens: int | None = None
    """Read and written, where that was counted."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One problem with the arms side by side."""

    question: str
    reference: str
    family: str
    panes: tuple[Pane, ...]

    @property
    def flip(self) -> Flip:
        """What became of the base's answer with the student; the guided student stands in where it is alone."""
        verdicts = {pane.arm: pane.verdict == "correct" for pane in self.panes}
        student = verdicts.get("student", verdicts.get("student_guided"))
        if student is None or "base" not in verdicts or student == verdicts["base"]:
            return "same"
        return "rescued" if student else "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything in a report; what is left empty becomes a line that says so."""

    title: str = "ReasonBridge report"
    summary: str = ""
    """One sentence; composed from ``headline`` where it is empty."""
    headline: Mapping[str, Any] = field(default_factory=dict)
    """The fields of ``summary.json``, any of which may be missing."""
    notes: Sequence[str] = ()
    """What a reader should know before believing the numbers."""
    funnel: Funnel | None = None
    metrics: Sequence[Mapping[str, Any]] = ()
    """Training: see `workbench.views.plots.plot_loss`."""
    families: Sequence[FamilyRow] = ()
    flips: Sequence[FlipRow] = ()
    adapter: Sequence[RankCell] = ()
    costs: Sequence[Cost] = ()
    examples: Sequence[Example] = ()
    provenance: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """Seed, versions, input hashes and the like."""


EMBEDDED_NOTES = (
    "The teacher is a set of programs that solve and explain each problem. It is right by construction, "
    "it is no language model, and its accuracy is a ceiling, not a rival.",
    "No question of the test is among the training problems, and the families marked unseen were held out whole: "
    "a gain on seen families alone may be template fitting.",
)
"""What holds for every run of the embedded default."""
