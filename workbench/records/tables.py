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
from workbench.records.shapes import ANSWER_KEYS, CHOICE_KEYS, QUESTION_KEYS, SOLUTION_KEYS
from workbench.records.types import Problem, Trace

TABLES = (".csv", ".tsv")
DELIMITERS = (",", ";", "\t", "|")
_ONE_COLUMN = "\x1f"
"""Stands in for a delimiter where the header has a single column: its texts may hold commas unquoted."""
_KNOWN = frozenset(
    (*QUESTION_KEYS, *ANSWER_KEYS, *SOLUTION_KEYS, *CHOICE_KEYS, "id", "domain", "subject", "source", "license",
     "level", "difficulty", "answer_type", "tolerance", "model")
)  # fmt: skip
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class BadRow(InputError):
    """Why a row cannot be read, and the row itself."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.text = text


class _Lines:
    """The file's lines, with those that the current row took, so that a broken row can give them back."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # Bytes that are no UTF-8 become lone surrogates here, so that only their own row is refused.
        line = self._returned.popleft() if self._returned else next(self._stream).decode(errors="surrogateescape")
        line = line.removeprefix("\ufeff") if self.number == 0 else line
        self.number += 1
        self.taken.append(line)
        return line

    def keep_first(self) -> str:
        """Gives back all lines of the current row but its first, which is returned."""
        first, *others = self.taken
        self._returned.extendleft(reversed(others))
        self.number -= len(others)
        return first


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Yields each row with the number of its first line; empty lines are passed over.

    Raises:
        InputError: where the file is no UTF-8 table, or no column of it is a question.
    """
    with open(path, "rb") as stream:
        if stream.read(2) in _UTF16:
            raise InputError(f"{path} is UTF-16; save it as CSV UTF-8")
        stream.seek(0)
        lines = _Lines(iter(stream))
        delimiter, names = _header(path, lines)
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        while True:
            lines.taken = []
            start = lines.number + 1
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield start, BadRow(_reason(error), lines.keep_first().rstrip("\r\n"))
                rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
                continue
            if any(field.strip() for field in fields):
                yield start, _row(names, fields, "".join(lines.taken).rstrip("\r\n"))


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error) or "field limit" in str(error):
        return "a quote is opened here and never closed; close it, or double it where it is part of the text"
    return f"{error}; put the field in quotes, and double the quotes in it"


def _header(path: Path, lines: _Lines) -> tuple[str, list[str]]:
    """The delimiter that gives the header the most known columns, and the columns' names."""
    text = next((line for line in lines if line.strip()), None)
    if text is None:
        raise InputError(f"{path} is empty; its first line must name the columns, such as question,answer")
    found = [(delimiter, _names(text, delimiter)) for delimiter in DELIMITERS if delimiter in text]
    found = found or [(_ONE_COLUMN, _names(text, _ONE_COLUMN))]
    delimiter, names = max(found, key=lambda pair: (sum(name in _KNOWN for name in pair[1]), len(pair[1])))
    named = [name for name in names if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise InputError(f"{path}: two columns are called {twice!r}; rename one")
    if not set(named) & set(QUESTION_KEYS):
        shown = ", ".join(name[:40] for name in named[:20]) or "none"
        wanted = ", ".join(QUESTION_KEYS)
        raise InputError(f"{path}: no column holds the question; the columns are {shown}; call one of them {wanted}")
    return delimiter, names


def _names(line: str, delimiter: str) -> list[str]:
    try:
        fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    except (csv.Error, StopIteration):
        return []
    names = [field.encode(errors="surrogateescape").decode(errors="replace").strip() for field in fields]
    return [name.lower() if name.lower() in _KNOWN else name for name in names]


def _row(names: list[str], fields: list[str], text: str) -> dict[str, Any] | InputError:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return BadRow("not UTF-8; save the file as CSV UTF-8", _readable(text))
    if len(fields) < len(names) or any(field.strip() for field in fields[len(names) :]):
        counted = f"{len(fields)} field{'s' * (len(fields) != 1)} where the header has {len(names)}"
        too_many = len(fields) > len(names)
        fix = "quote texts that hold the delimiter" if too_many else "an empty field needs its delimiter"
        return BadRow(f"{counted}; {fix}", text)
    row: dict[str, Any] = {
        name: field.strip() for name, field in zip(names, fields, strict=False) if name and field.strip()
    }
    # A row without a question is still a row: what is missing is said where records are made.
    row = {next(name for name in names if name in QUESTION_KEYS): "", **row}
    return row | {name: _options(row[name]) for name in CHOICE_KEYS if name in row}


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
