"""Rows of a CSV file as objects, named by its header: what spreadsheets write, and people by hand.

Read line by line. The delimiter is found from the header; a quoted field may hold line breaks; a row that
does not fit its header is told apart, with its line, and never swallows the rows after it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.records.fields import ANSWER_KEYS, CHOICE_KEYS, QUESTION_KEYS, SOLUTION_KEYS, FieldMap
from workbench.records.types import Problem, Trace

TABLES = (".csv", ".tsv")
DELIMITERS = (",", ";", "\t", "|")
_ONE_COLUMN = "\x1f"
"""Stands in for a delimiter where the header has a single column: its texts may hold commas unquoted."""
_KNOWN = frozenset(
    (*QUESTION_KEYS, *ANSWER_KEYS, *SOLUTION_KEYS, *CHOICE_KEYS, "id", "domain", "subject", "source", "license",
     "level", "difficulty", "answer_type", "tolerance", "model")
)  # fmt: skip
_MAX_FIELD = 2**20
"""Characters of a field: long traces have more than Python's 131,072, and an open quote must end somewhere."""


class BadRow(InputError):
    """Why a row cannot be read, and the row itself."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.text = text


class TooLong(bytes):
    """The beginning of a line that is too long to be a row."""

    reason = "longer than 16 MB, so no row"


class _Lines:
    """The file's lines, with those that the current row took, so that a broken row can give them back."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._returned: deque[str | InputError] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._pull()
        if isinstance(line, InputError):
            if self.taken:
                self._returned.appendleft(line)
                raise csv.Error("unexpected end of data")
            self.number += 1
            raise line
        self.number += 1
        self.taken.append(line)
        return line

    def _pull(self) -> str | InputError:
        try:
            line = next(self._stream)
        except InputError as error:
            return error
        if isinstance(line, TooLong):
            return BadRow(TooLong.reason, line.decode(errors="backslashreplace"))
        # Bytes that are no UTF-8 become lone surrogates here, so that only their own row is refused.
        return line.decode(errors="surrogateescape")

    def keep_first(self) -> str:
        """Gives back all lines of the current row but its first, which is returned."""
        first, *others = self.taken
        self._returned.extendleft(reversed(others))
        self.number -= len(others)
        return first


def table_rows(
    path: Path, lines: Iterator[bytes], fields: FieldMap | None = None
) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Yields each row with the number of its first line; empty lines are passed over.

    Args:
        path: what the table is called.
        lines: in UTF-8, with their ends.
        fields: the columns that a user has named; see `workbench.records.fields`.

    Raises:
        InputError: where the file is no table, or no column of it is a question.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD))
    source = _Lines(lines)
    named = dict(fields or {})
    delimiter, names = _header(path, source, named)
    rows = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        source.taken = []
        start = source.number + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, BadRow(_reason(error), source.keep_first().rstrip("\r\n"))
            rows = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
            continue
        except InputError as error:
            yield start, error
            rows = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
            continue
        if any(cell.strip() for cell in cells):
            yield start, _row(names, cells, "".join(source.taken).rstrip("\r\n"), named)


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error) or "field limit" in str(error):
        return "a quote is opened here and never closed; close it, or double it where it is part of the text"
    return f"{error}; put the field in quotes, and double the quotes in it"


def _header(path: Path, lines: _Lines, fields: FieldMap) -> tuple[str, list[str]]:
    """The delimiter that gives the header the most known columns, and the columns' names."""
    text = next((line for line in lines if line.strip()), None)
    if text is None:
        raise InputError(f"{path} is empty; its first line must name the columns, such as question,answer")
    if "\r" in text.rstrip("\r\n"):
        raise InputError(f"{path}: its lines end as those of old Macs; save it again as CSV UTF-8")
    known = _KNOWN | set(fields.values())
    found = [(delimiter, _names(text, delimiter, fields)) for delimiter in DELIMITERS if delimiter in text]
    found = found or [(_ONE_COLUMN, _names(text, _ONE_COLUMN, fields))]
    delimiter, names = max(found, key=lambda pair: (sum(name in known for name in pair[1]), len(pair[1])))
    present = [name for name in names if name]
    if twice := next((name for name in present if present.count(name) > 1), None):
        raise InputError(f"{path}: two columns are called {twice!r}; rename one")
    shown = ", ".join(name[:40] for name in present[:20]) or "none"
    if missing := next((name for name in fields.values() if name not in present), None):
        raise InputError(f"{path}: no column is called {missing!r}; the columns are {shown}")
    if "question" not in fields and not set(present) & set(QUESTION_KEYS):
        fix = f"call one of them {', '.join(QUESTION_KEYS)}, or say --map question=COLUMN"
        raise InputError(f"{path}: no column holds the question; the columns are {shown}; {fix}")
    return delimiter, names


def _names(line: str, delimiter: str, fields: FieldMap) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    except (csv.Error, StopIteration):
        return []
    names = [cell.encode(errors="surrogateescape").decode(errors="replace").strip() for cell in cells]
    said = set(fields.values())
    return [name.lower() if name.lower() in _KNOWN and name not in said else name for name in names]


def _row(names: list[str], cells: list[str], text: str, fields: FieldMap) -> dict[str, Any] | InputError:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return BadRow("not UTF-8; save the file as CSV UTF-8, or say which --encoding it has", _readable(text))
    if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
        counted = f"{len(cells)} field{'s' * (len(cells) != 1)} where the header has {len(names)}"
        too_many = len(cells) > len(names)
        fix = "quote texts that hold the delimiter" if too_many else "an empty field needs its delimiter"
        return BadRow(f"{counted}; {fix}", text)
    row: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()
    }
    # A row without a question is still a row: what is missing is said where records are made.
    wanted = (*fields.values(), *(name for name in names if name in QUESTION_KEYS))
    row = dict.fromkeys(wanted[: 1 if not fields else None], "") | row
    choices = {*CHOICE_KEYS, fields.get("choices", "")} & row.keys()
    return row | {name: _options(row[name]) for name in choices if row[name]}


def _readable(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _options(cell: str) -> list[str]:
    """A cell of choices: a JSON list, one choice a line, or parted by ``|`` or else by ``;``."""
    try:
        return msgspec.json.decode(cell, type=list[str])
    except msgspec.DecodeError:
        mark = next((mark for mark in ("\n", "|", ";") if mark in cell), ";")
        return [option.strip() for option in cell.split(mark) if option.strip()]


def named_by_row(record: Problem | Trace) -> Problem | Trace:
    """Gives a row's record the id that its table has for it.

    Raises:
        InputError: where the row's answer is none of its choices.
    """
    problem = record.problem if isinstance(record, Trace) else record
    if key := next((key for key in CHOICE_KEYS if key in problem.metadata), None):
        raise InputError(f"the answer {problem.answer!r} is none of the {key}; write its letter or its text")
    if "id" not in problem.metadata:
        return record
    metadata = {name: value for name, value in problem.metadata.items() if name != "id"}
    problem = replace(problem, id=str(problem.metadata["id"]), metadata=metadata)
    return replace(record, id=f"{problem.id}-0", problem=problem) if isinstance(record, Trace) else problem
