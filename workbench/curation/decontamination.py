"""What was held against the pool, what was found, and what was not looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.curation.held_out import HeldOut
from workbench.curation.spill import Spill
from workbench.curation.verdicts import Verdicts

RULES = {
    "held-out question": "equal",
    "held-out overlap": "8-gram",
    "held-out 13-gram": "13-gram",
    "held-out paraphrase": "wording",
    "semantic copy of a held-out question": "semantic",
}
"""What the reasons of ``dropped.parquet`` are called here; others stand as they are."""
EXAMPLES = 3
_ELSEWHERE = "not attributed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A row that was dropped, beside the held-out question."""

    id: str
    """The trace's."""
    rule: str
    detail: str
    row: str
    """Its words that the two share; those in brackets the other side does not have."""
    original: str
    """The held-out question's, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSet:
    """One set of held-out questions, and what was dropped for it."""

    name: str
    questions: int
    unread: int = 0
    """Its rows that could not be read, and so were not checked."""
    dropped: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    """Rows dropped, by rule, from the most frequent on."""
    examples: tuple[Example, ...] = ()
    """The first in the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """A known benchmark that was not held against the pool."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decontamination:
    """All held-out sets; a row counts for the first set that has its question."""

    checked: tuple[CheckedSet, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()

    def lines(self) -> list[str]:
        """Returns one line per set that was checked, and one for all others."""
        lines = [f"held out: {_checked_line(each)}" for each in self.checked]
        if self.not_checked:
            lines.append(f"not checked: {', '.join(each.name for each in self.not_checked)}; see --held-out")
        return lines


def _checked_line(checked: CheckedSet) -> str:
    rules = ", ".join(f"{rule} {count:,}" for rule, count in checked.rules.items())
    unread = f"; {checked.unread:,} of its rows could not be read and were not checked" if checked.unread else ""
    found = f"{checked.dropped:,} dropped{f' ({rules})' if rules else ''}"
    return f"{checked.name}, {checked.questions:,} questions, {found}{unread}"


def decontamination(held_out: HeldOut, verdicts: Verdicts, spill: Spill) -> Decontamination:
    """Returns the report on held-out questions.

    Args:
        held_out: the index.
        verdicts: which rows were dropped for which of its questions.
        spill: the rows' names.
    """
    rows: dict[str, list[int]] = {name: [] for name in held_out.questions}
    for index in verdicts.copies().tolist():
        rows.setdefault(held_out.set_of.get(verdicts.original(index), _ELSEWHERE), []).append(index)
    unread = Counter[str]()
    for each in held_out.sets:
        unread[each.name] += each.unread
    missing = tuple(NotChecked(name=each.name, why=each.missing) for each in held_out.sets if each.missing)
    checked = tuple(
        CheckedSet(
            name=name, questions=held_out.questions.get(name, 0), unread=unread[name], dropped=len(indices),
            rules=dict(Counter(_rule(verdicts, index) for index in indices).most_common()),
            examples=_examples(indices[:EXAMPLES], verdicts, spill),
        )
        for name, indices in rows.items()
    )  # fmt: skip
    return Decontamination(checked=checked, not_checked=missing)


def _rule(verdicts: Verdicts, index: int) -> str:
    return RULES.get(verdicts.reason(index), verdicts.reason(index))


def _examples(indices: Sequence[int], verdicts: Verdicts, spill: Spill) -> tuple[Example, ...]:
    return tuple(
        Example(
            id=name["id"], rule=_rule(verdicts, index), detail=verdicts.detail(index), row=verdicts.matched(index)[0],
            original=verdicts.matched(index)[1],
        )
        for index, name in zip(indices, spill.take(list(indices)), strict=True)
    )  # fmt: skip
