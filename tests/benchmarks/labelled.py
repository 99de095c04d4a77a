"""Traces whose steps have known roles: the embedded pool's, and those that a person has read and labelled.

The labels of ``segmenter_labels.jsonl`` are offsets and roles alone: the texts are other people's, and stay where
``WORKBENCH_DATA`` says. One annotator labelled each sentence or line of a list, in whole traces and in parts of
long ones, with these rules:

- *strategy* says what is asked or given, how to go about it, or what to do next;
- *tactic* carries it out: computes, recalls, deduces, drafts, concludes;
- *check* goes back over what was found or written: doubts, repeats, compares it with what was asked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

from workbench.pool import embedded_problems, seen_families, unseen_families, worked_answer
from workbench.pool.family import Family
from workbench.records import Role, Trace, read_records
from workbench.records.rows import FileRows, fields_of

DATA = Path(os.environ.get("WORKBENCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
LABELS = Path(__file__).with_name("segmenter_labels.jsonl")
_ROLES: dict[str, Role] = {"s": "strategy", "t": "tactic", "c": "check"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, and the roles of parts of it."""

    text: str
    parts: tuple[tuple[int, int, Role], ...]
    """Start, end and role, in order; what lies between is not labelled."""

    def runs(self) -> list[tuple[int, int, Role]]:
        """Returns the steps: neighbouring parts of one role in one paragraph, taken together."""
        steps: list[tuple[int, int, Role]] = []
        for start, end, role in self.parts:
            between = self.text[steps[-1][1] : start] if steps else "\n"
            if steps and steps[-1][2] == role and "\n\n" not in between and not between.strip():
                steps[-1] = (steps[-1][0], end, role)
            else:
                steps.append((start, end, role))
        return steps


def read_by_hand(split: Literal["development", "test"], data: Path = DATA) -> list[Labelled]:
    """Returns the labelled traces of a split.

    Raises:
        FileNotFoundError: where the data are not here.
        AssertionError: where a text is not the one that was labelled.
    """
    return list(_read_by_hand(split, data))


def _read_by_hand(split: str, data: Path) -> Iterator[Labelled]:
    for line in LABELS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] != split:
            continue
        text = _text(data / row["file"], row["row"], row["field"])
        assert hashlib.sha256(text.encode()).hexdigest()[:16] == row["sha256"], f"{row['file']} has changed"
        yield Labelled(text, tuple((start, end, _ROLES[role]) for start, end, role in row["units"]))


def _text(path: Path, row: int | str, field: str) -> str:
    """A row by its place as it is imported, or by its item as it stands in the file."""
    if isinstance(row, int):
        return next(islice(_traces(path), row, None)).reasoning or ""
    return next(each[field] for each in _rows(path) if each["item_id"] == row)


@cache
def _traces(path: Path) -> tuple[Trace, ...]:
    return tuple(read_records(path, Trace))


@cache
def _rows(path: Path) -> tuple[dict, ...]:
    return tuple(fields_of(row) for _, row in FileRows(path) if not isinstance(row, Exception))


def structured(families: tuple[Family, ...], split: Literal["dev", "test"], per_family: int) -> list[Labelled]:
    """Returns worked traces as plain text, a step a line, with the roles that their teacher gave."""
    return [_joined(worked_answer(problem)) for problem in embedded_problems(split, per_family, 0, families)]


def _joined(trace: Trace) -> Labelled:
    parts, place = [], 0
    for step in trace.steps:
        parts.append((place, place + len(step.text), step.role))
        place += len(step.text) + 1
    return Labelled("\n".join(step.text for step in trace.steps), tuple(parts))


def development() -> tuple[list[Labelled], list[Labelled]]:
    """Returns what weights may be fitted on: families that training may see, and traces that no test uses."""
    return structured(seen_families(), "dev", 6), read_by_hand("development")


def held_out_families() -> tuple[Family, ...]:
    """Returns families that no weight was fitted on."""
    return unseen_families()
