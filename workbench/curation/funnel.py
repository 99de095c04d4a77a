"""What curation did, in numbers: every row that was read is either kept or dropped for a stated reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.curation.columns import NAMED, Category, Columns
from workbench.curation.config import BANDS, CurationConfig
from workbench.curation.decontamination import Decontamination
from workbench.curation.filters import FILTER_OF
from workbench.curation.hub import push
from workbench.curation.modes import Filters, Mode
from workbench.curation.scores import Scores
from workbench.curation.verdicts import STAGES, Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Rows before and after one stage, and how many it dropped for what."""

    name: str
    before: int
    after: int
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterStep(Stage):
    """One filter of the first stage; the next one looks at the rows that it let pass."""

    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What a set of rows is made of; counts are sorted by name."""

    rows: int
    domains: dict[str, int]
    sources: dict[str, int]
    bands: dict[str, int]
    strategies: int
    """Different strategies, by their first words with numbers masked."""
    words: int
    """Different words in the questions' sketches."""
    mean_quality: float
    mean_characters: float
    long_traces: int = 0
    """Long for their source."""
    mean_suitability: float = 0.0
    """For the student; 0 where none has read the rows."""
    objective: float | None = None
    """F of the selection, see `workbench.curation.selection`; ``None`` for all survivors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurationReport:
    """The outcome of one curation; its files lie in ``out``."""

    pool: Path
    out: Path
    config: CurationConfig
    read: int
    """Good lines in the pool."""
    rejected: int
    """Lines that could not be read; they are in ``rejected_path``."""
    kept: int
    stages: tuple[Stage, ...]
    survivors: Composition
    selected: Composition
    random: Composition
    """As many survivors as were kept, drawn at random with the same seed."""
    filters: tuple[FilterStep, ...] = ()
    """What the stage of that name did, filter by filter, in order."""
    contamination: Decontamination = field(default_factory=Decontamination)
    """Which held-out sets were checked, what was found, and which known benchmarks were not."""
    student: dict[str, Any] | None = None
    """How many survivors the student read and for how many its scores are predicted, with R²; ``None`` without one."""
    semantic: dict[str, Any] | None = None
    """What was embedded, or ``not_run`` with the reason; ``None`` where it was switched off."""
    warnings: tuple[str, ...] = ()

    @property
    def dropped(self) -> int:
        """Rows read and not kept."""
        return self.read - self.kept

    @property
    def curated_path(self) -> Path:
        """The kept traces."""
        return self.out / "curated.jsonl"

    @property
    def dropped_path(self) -> Path:
        """One row and reason for every dropped trace."""
        return self.out / "dropped.parquet"

    @property
    def kept_path(self) -> Path:
        """Rank, quota, gains and reason for every kept trace."""
        return self.out / "kept.parquet"

    @property
    def survivors_path(self) -> Path:
        """Features and scores of every survivor, from which selection can be done anew."""
        return self.out / "survivors.parquet"

    @property
    def funnel_path(self) -> Path:
        """This report as JSON."""
        return self.out / "funnel.json"

    @property
    def rejected_path(self) -> Path:
        """The pool's lines that could not be read; absent where there were none."""
        return self.out / "curated.rejected.jsonl"

    def push_to_hub(self, repo_id: str, *, private: bool = True) -> str:
        """Uploads data card, traces and reasons as a data set of the Hub; see `workbench.curation.hub`.

        Args:
            repo_id: ``owner/name``.
            private: of a new repository.

        Returns:
            The data set's address.
        """
        return push(self.out, repo_id, private=private)

    def lines(self) -> list[str]:
        """Returns a small table for printing, then the warnings."""
        table = [f"{'stage':<16}{'before':>9}{'after':>9}  dropped for"]
        for stage in self.stages:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in stage.reasons.items()) or "-"
            table.append(f"{stage.name:<16}{stage.before:>9,}{stage.after:>9,}  {reasons}")
            if stage.name == "filters":
                table += [_filter_line(step) for step in self.filters]
        bands = ", ".join(f"{band} {count:,}" for band, count in self.selected.bands.items())
        table.append(f"kept {self.kept:,} of {self.read:,}: {len(self.selected.domains)} domains, {bands}")
        table.append(f"objective {self.selected.objective}, at random {self.random.objective}")
        if self.semantic and "proposed" in self.semantic:
            table.append(_semantic_line(self.semantic))
        if self.student:
            table.append(_student_line(self.student))
        table += self.contamination.lines()
        return table + [f"warning: {warning}" for warning in self.warnings]

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``funnel.json``: no path and no time, so that equal runs give equal bytes."""
        return {
            "schema": "workbench.funnel/1", "pool": self.pool.name, "config": asdict(self.config),
            "read": self.read, "rejected": self.rejected, "kept": self.kept, "dropped": self.dropped,
            "stages": [asdict(stage) | {"dropped": stage.before - stage.after} for stage in self.stages],
            "filters": [asdict(step) | {"dropped": step.before - step.after} for step in self.filters],
            "contamination": asdict(self.contamination),
            "composition": {
                "survivors": asdict(self.survivors), "kept": asdict(self.selected), "random": asdict(self.random),
            },
            "student": self.student, "warnings": list(self.warnings),
            **({"semantic": self.semantic} if self.semantic else {}),
        }  # fmt: skip


def _semantic_line(semantic: dict[str, Any]) -> str:
    return (
        f"semantic: {semantic['proposed']:,} survivors embedded, {semantic['held_out']:,} held-out questions, "
        f"{semantic['groups']} groups by meaning"
    )


def _student_line(student: dict[str, Any]) -> str:
    fit = ", ".join(f"{name} {value:.2f}" for name, value in student["out_of_fold_r2"].items() if value is not None)
    line = f"student: {student['read']:,} survivors read, {student['predicted']:,} predicted"
    return f"{line} (R² on rows left out: {fit})" if fit else line


def _filter_line(step: FilterStep) -> str:
    return f"  {step.name:<14}{step.before:>9,}{step.after:>9,}  {step.mode}"


def filter_steps(verdicts: Verdicts, filters: Filters) -> tuple[FilterStep, ...]:
    """Returns what each filter was given, dropped and let pass, in order; a row falls to the first that drops it."""
    counts, found, before = verdicts.counts("filters"), [], len(verdicts)
    for name, mode in filters.items():
        reasons = {reason: counts[reason] for reason, of in FILTER_OF.items() if of == name and counts[reason]}
        after = before - sum(reasons.values())
        found.append(FilterStep(name=name, mode=mode, before=before, after=after, reasons=reasons))
        before = after
    return tuple(found)


def stages(verdicts: Verdicts, *, has_semantic: bool = False) -> tuple[Stage, ...]:
    """Returns the stages that were run in order, each with its reasons from the most frequent on."""
    found, before = [], len(verdicts)
    for name in (name for name in STAGES if has_semantic or name != "semantic"):
        counts = dict(sorted(verdicts.counts(name).items(), key=lambda item: (-item[1], item[0])))
        after = before - sum(counts.values())
        found.append(Stage(name=name, before=before, after=after, reasons=counts))
        before = after
    return tuple(found)


def composition(rows: Columns, scores: Scores, places: Sequence[int], objective: float | None = None) -> Composition:
    """Returns what the rows at these places are made of."""
    chosen = rows.take(places)
    bands = Counter(scores.band[list(places)].tolist())
    words = np.unique(chosen.features[:, NAMED:])
    return Composition(
        rows=len(chosen),
        domains=_counts(chosen.domain),
        sources=_counts(chosen.source),
        bands={name: bands[band] for band, name in enumerate(BANDS)},
        strategies=len(np.unique(chosen.features[:, 0])),
        words=int(np.count_nonzero(words)),
        mean_quality=round(float(np.mean(scores.quality[list(places)])), 4),
        mean_characters=round(float(np.mean(chosen.length)), 1),
        long_traces=int(scores.is_long[list(places)].sum()),
        mean_suitability=round(float(np.mean(scores.suitability[list(places)])), 4),
        objective=objective,
    )


def _counts(column: Category) -> dict[str, int]:
    return dict(sorted(Counter(column.values()).items()))
