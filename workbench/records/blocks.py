"""A file's rows some at a time, as they lie there: what one process reads and others decode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import InputError, first_line
from workbench.records.files import Reader
from workbench.records.rows import FileRows, Found, plain_rows
from workbench.records.tables import BadRow
from workbench.records.types import Problem, Trace

MAX_BYTES = 4 * 2**20
"""Bytes of a block of lines, after which no further line is added to it."""


@dataclass(frozen=True, slots=True)
class _Broken:
    """Why there is no row, in a form that reaches other processes."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Some rows of a file; iterating yields what iterating over the file would."""

    name: str
    is_table: bool
    lines: tuple[int, ...]
    """The rows' numbers."""
    rows: pa.RecordBatch | tuple[bytes | dict[str, object] | _Broken, ...]

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        """Yields each row with its number, or why there is none."""
        found = plain_rows(self.rows) if isinstance(self.rows, pa.RecordBatch) else self.rows
        for line, row in zip(self.lines, found, strict=True):
            yield line, BadRow(row.reason, row.text) if isinstance(row, _Broken) else row

    def only(self, wanted: Set[int]) -> RowBlock:
        """Returns the block with these rows alone."""
        places = [place for place, line in enumerate(self.lines) if line in wanted]
        lines = tuple(self.lines[place] for place in places)
        if isinstance(self.rows, pa.RecordBatch):
            return RowBlock(self.name, self.is_table, lines, self.rows.take(pa.array(places, pa.int64())))
        return RowBlock(self.name, self.is_table, lines, tuple(self.rows[place] for place in places))


def row_blocks(rows: FileRows, size: int) -> Iterator[RowBlock]:
    """Yields a file's rows in blocks of at most ``size``; long lines make smaller ones.

    Raises:
        InputError: where the file is not of its suffix's format at all.
    """
    if rows.path.name.lower().endswith(".parquet"):
        yield from _parquet_blocks(rows, size)
        return
    lines: list[int] = []
    found: list[bytes | dict[str, object] | _Broken] = []
    filled = 0
    for line, row in rows:
        lines.append(line)
        found.append(_Broken(str(row), getattr(row, "text", "")) if isinstance(row, InputError) else row)
        filled += _size(row)
        if len(lines) == size or filled > MAX_BYTES:
            yield RowBlock(rows.name, rows.is_table, tuple(lines), tuple(found))
            lines, found, filled = [], [], 0
    if lines:
        yield RowBlock(rows.name, rows.is_table, tuple(lines), tuple(found))


def _size(row: Found) -> int:
    if isinstance(row, dict):
        return sum(len(str(value)) for value in row.values())
    return len(row) if isinstance(row, bytes) else 0


def _parquet_blocks(rows: FileRows, size: int) -> Iterator[RowBlock]:
    start = 1
    try:
        with pq.ParquetFile(rows.path) as file:
            for batch in file.iter_batches(batch_size=size):
                yield RowBlock(rows.name, rows.is_table, tuple(range(start, start + batch.num_rows)), batch)
                start += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{rows.path} is not a whole Parquet file: {first_line(error)}") from error


class BlockReader(Reader[Trace]):
    """The traces of one block. Ids that count how often a question came up need the whole file: see ``foreign``."""

    def __init__(self, block: RowBlock) -> None:
        super().__init__(block, Trace)
        self._foreign: list[Problem | Trace] = []

    def _unique(self, record: Problem | Trace) -> Problem | Trace:
        self._foreign.append(record)
        return record

    def is_foreign(self, traces: Sequence[Trace]) -> list[bool]:
        """Returns which of the traces came from rows of another's shape, so that their ids are not final."""
        known = {id(record) for record in self._foreign}
        return [id(trace) in known for trace in traces]


class UniqueIds:
    """Numbers the answers to one question over a whole file, block by block."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, problem_id: str, sample: int) -> str | None:
        """Returns the id of the next answer to a problem, ``None`` where its own is right."""
        count = self._seen[problem_id]
        self._seen[problem_id] += 1
        return None if count == sample else f"{problem_id}-{count}"


def renamed(trace: Trace, name: str) -> Trace:
    """Returns the trace under the id that `UniqueIds` gave it."""
    return trace if trace.id == name else replace(trace, id=name, sample=int(name.rpartition("-")[2]))
