"""What can be imported: a file, a folder of files, or a data set of the Hub, as places with rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.pool.hub import HUB, open_hub
from workbench.records import READABLE, FieldMap, FileRows, Problem, Rows, detect, fields_of, read_records

HEAD = 50
"""Rows at which a place is looked before it is read."""
COMPANIONS = ("items", "problems", "questions")
"""Names of files that hold the questions of the files beside them."""
REFERENCES = ("item_id", "problem_id", "question_id", "task_id")
"""Fields that name a companion's row by its ``id``."""
LARGEST_COMPANION = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Companion:
    """Questions that stand in a file of their own, found by id; held in memory."""

    path: Path
    problems: dict[str, Problem]

    def complete(self, row: dict[str, Any]) -> dict[str, Any]:
        """Returns the row with the question that it names, where it has none of its own."""
        problem = next((self.problems[str(row[key])] for key in REFERENCES if str(row.get(key)) in self.problems), None)
        if problem is None or _has_question(row):
            return row
        answer = {} if problem.answer is None else {"answer": problem.answer}
        return {**problem.metadata, "question": problem.question, **answer, **row}


@dataclass(frozen=True, slots=True)
class Place:
    """Rows of one file or data set, and the questions that they may name."""

    rows: Rows
    companion: Companion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All that one ``--from`` names."""

    name: str
    places: tuple[Place, ...]
    unread: dict[str, str]
    """Files that are no rows, and why."""
    license: str | None = None
    """As the data set's card says."""
    data_set: str | None = None


def open_source(
    spec: str, *, fields: FieldMap | None = None, encoding: str | None = None, config: str | None = None,
    split: str | None = None, leave_out: frozenset[Path] = frozenset(),
) -> Source:  # fmt: skip
    """Finds what is to be imported, and reads no more than the beginning of each file.

    Args:
        spec: a file, a folder, or ``hf:ID`` with an optional ``@REVISION``; an ID may be a local folder.
        fields: what a user says the rows' fields are.
        encoding: of texts; by default UTF-8, or what their first bytes say.
        config: the configuration of a data set of the Hub.
        split: likewise; by default ``train``, or the only one there is.
        leave_out: files that are being written.

    Raises:
        InputError: where there is nothing of that name, or nothing in it that can be read.
    """
    if spec.startswith(HUB):
        if encoding:
            raise InputError("--encoding is for files; a data set of the Hub says its own")
        loaded = open_hub(spec, config, split)
        return Source(name=loaded.name, places=(Place(loaded),), unread={}, license=loaded.license,
                      data_set=loaded.data_set)  # fmt: skip
    if config or split:
        raise InputError(f"--config and --split are for a data set of the Hub; {spec} is none (hf:ID)")
    path = Path(spec)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the spelling or the working folder ({Path.cwd()})")
    if not path.is_dir():
        rows = FileRows(path, encoding=encoding, fields=fields)
        return Source(name=spec, places=(Place(rows, _companion(path.parent, [rows])),), unread={})
    return _folder(path, FileRows(Path("a.jsonl"), encoding=encoding, fields=fields), leave_out)


def head(place: Place) -> Iterator[dict[str, Any]]:
    """Yields the first rows of a place that have fields at all, with the questions that they name."""
    try:
        for _, row in islice(place.rows, HEAD):
            try:
                found = fields_of(row) if not isinstance(row, InputError) else None
            except InputError:
                continue
            if found is not None:
                yield place.companion.complete(found) if place.companion else found
    except InputError:
        return


def _folder(folder: Path, how: FileRows, leave_out: frozenset[Path]) -> Source:
    """All files below a folder, in the order of their names; hidden ones and links to folders are passed over."""
    places: list[Place] = []
    unread: dict[str, str] = {}
    for root, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        found = []
        for path in (Path(root) / name for name in sorted(files) if not name.startswith(".")):
            name = str(path.relative_to(folder))
            if path.resolve() in leave_out or path.name.endswith(".rejected.jsonl"):
                unread[name] = "written by the workbench"
            elif path.name.lower().endswith(READABLE):
                found.append(replace(how, path=path, name=name))
            else:
                unread[name] = "of no known format"
        companion = _companion(Path(root), found)
        for rows in found:
            if companion and rows.path == companion.path:
                unread[rows.name] = f"{len(companion.problems):,} questions for the files beside it"
            else:
                places.append(Place(rows, companion))
    if not places:
        raise InputError(f"{folder} holds no file that can be read; names must end with one of {', '.join(READABLE)}")
    return Source(name=str(folder), places=tuple(places), unread=unread)


def _companion(folder: Path, rows: list[FileRows]) -> Companion | None:
    """The file of questions beside these, where one of them names questions that it does not have."""
    if not any(_names_questions(each) for each in rows):
        return None
    for path in sorted(folder.iterdir()):
        is_one = path.name.split(".")[0] in COMPANIONS and path.name.lower().endswith(READABLE)
        if is_one and path.stat().st_size <= LARGEST_COMPANION:
            problems = {str(problem.metadata.get("id", problem.id)): problem for problem in read_records(path, Problem)}
            return Companion(path, problems)
    return None


def _names_questions(rows: FileRows) -> bool:
    first = next(head(Place(rows)), None)
    return first is not None and not _has_question(first) and any(key in first for key in REFERENCES)


def _has_question(row: dict[str, Any]) -> bool:
    try:
        detect(row)
    except InputError:
        return False
    return True
