"""Records in files: JSON Lines for people, Parquet for large pools, the same fields in both."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import InputError
from workbench.files import atomic_path, existing_file, remove, storage_errors
from workbench.records.columns import arrow_schema, pack, unpack
from workbench.records.fields import FieldMap, check_map
from workbench.records.rows import FileRows, Found, fields_of, suffix_of
from workbench.records.seen import Seen
from workbench.records.shapes import Origin, to_problem, to_traces
from workbench.records.tables import named_by_row
from workbench.records.types import Problem, Record, Trace, from_dict, from_json, to_dict, to_json

WRITABLE = (".jsonl", ".jsonl.gz", ".parquet")
ROW_GROUP = 10_000
_EXAMPLES = 20
_PLACE = re.compile(r" \(byte .*| at `\$.*| \(images?/[^)]*\)| \([^()]*, line \d+\)$")

R = TypeVar("R", bound=Record)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not be read, as it stands in ``STEM.rejected.jsonl``."""

    file: str
    line: int
    """Counted from 1; the row's number in Parquet, in a JSON array and in a data set of the Hub."""
    reason: str
    text: str
    """The line itself; bytes that are no UTF-8 are written as ``\\xNN``, and of what is no row the beginning."""


Reject = Callable[[Rejected], None]
"""Takes one rejected row; see `rejected_rows`."""


class Rows(Protocol):
    """Rows of one place, each with its number from 1; iterating again starts over."""

    @property
    def name(self) -> str:
        """What the place is called where a row is rejected."""

    @property
    def is_table(self) -> bool:
        """Whether a column ``id`` names the row, and one of choices must hold the answer."""

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        """Yields each row, or why there is none."""


class Reader(Generic[R]):
    """The records of one file, one after the other; iterating again starts over.

    A bad row is counted, kept in ``examples`` (the first 20) and written to ``rejected_path`` where one
    was given; it never stops the run. The counts are those of the current or last iteration.
    """

    def __init__(
        self, rows: Rows, kind: type[R], *, place: str = "", rejected: Path | str | None = None,
        origin: Origin | None = None, fields: FieldMap | None = None, seen: Seen | None = None,
        complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ):  # fmt: skip
        """Prepares to read.

        Args:
            rows: where they come from.
            kind: the record's class.
            place: what the rows' place is called in an error; by default its name.
            rejected: the file of what could not be read.
            origin: what foreign rows do not say of themselves.
            fields: what a user says their fields are.
            seen: ids that others have given before, where several readers share them.
            complete: adds to a row what others know of it.
        """
        self.kind: Any = kind
        self.place = place or rows.name
        self.rejected_path = Path(rejected) if rejected else None
        self._rows, self._origin, self._fields, self._complete = rows, origin, fields, complete
        self._shared = seen
        self._prefix = f'{{"schema":"workbench.{kind.__name__.lower()}/'.encode()
        self._start()

    def _start(self) -> None:
        self.read = 0
        """Good rows so far."""
        self.rejected = 0
        self.reasons: Counter[str] = Counter()
        """How many rows were rejected for what, places within the row left out."""
        self.examples: list[Rejected] = []
        self._seen = self._shared

    def __iter__(self) -> Iterator[R]:
        with rejected_rows(self.rejected_path) as reject:
            yield from self.records(reject)
            if not self.read:
                raise nothing_read(self.place, self.kind, self.examples)

    def records(self, reject: Reject) -> Iterator[R]:
        """Yields the records, none at all included, and hands what is rejected to ``reject``.

        Raises:
            InputError: where the file is not of its suffix's format at all.
        """
        return (record for _, records in self.numbered(reject) for record in records)

    def numbered(self, reject: Reject) -> Iterator[tuple[int, tuple[R, ...]]]:
        """Yields each good row's number and the records it gave, as `records` does."""
        self._start()
        for line, row in self._rows:
            try:
                records = self._records(row)
            except InputError as error:
                self.refuse(line, str(error), row, reject)
                continue
            self.read += 1
            yield line, records

    def _records(self, row: Found) -> tuple[R, ...]:
        if isinstance(row, InputError):
            raise row
        if isinstance(row, bytes) and row.startswith(self._prefix):
            records: tuple[R, ...] = (from_json(self.kind, row),)
        else:
            records = self._converted(fields_of(row))
        problem = records[0].problem if isinstance(records[0], Trace) else records[0]
        if isinstance(problem, Problem) and not problem.question.strip():
            raise InputError("the question is empty")
        return records

    def _converted(self, row: dict[str, Any]) -> tuple[R, ...]:
        if self.kind not in (Problem, Trace):
            return (cast(R, from_dict(self.kind, unpack(self.kind, row))),)
        schema = str(row.get("schema", ""))
        own = {"workbench.problem": Problem, "workbench.trace": Trace}.get(schema.split("/")[0])
        row = unpack(own, row) if own else self._complete(row) if self._complete else row
        made: tuple[Problem | Trace, ...]
        made = (
            (to_problem(row, self._origin, self._fields),)
            if self.kind is Problem
            else to_traces(row, self._origin, self._fields)
        )
        if not own:
            made = tuple(self._unique(named_by_row(record) if self._rows.is_table else record) for record in made)
        for record in made:
            _encoded(record)  # half a character pair is the row's fault, not the writer's
        return cast(tuple[R, ...], made)

    def _unique(self, record: Problem | Trace) -> Problem | Trace:
        """Ids are hashes of the question: a second answer is the next sample, a second problem gets a number."""
        self._seen = self._seen or Seen()
        name = record.problem.id if isinstance(record, Trace) else record.id
        count = self._seen.before(name)
        if isinstance(record, Trace):
            return record if count == record.sample else replace(record, id=f"{name}-{count}", sample=count)
        return replace(record, id=f"{name}-{count + 1}") if count else record

    def refuse(self, line: int, reason: str, row: object, reject: Reject) -> None:
        """Counts a row that is no record, and hands it to ``reject``."""
        text = row.decode(errors="backslashreplace") if isinstance(row, bytes) else getattr(row, "text", "")
        text = json.dumps(row, default=str, ensure_ascii=True) if isinstance(row, dict) else text
        rejected = Rejected(file=self._rows.name, line=line, reason=reason, text=text)
        self.rejected += 1
        self.reasons[_PLACE.sub("", reason)] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(rejected)
        reject(rejected)

    def warnings(self) -> list[str]:
        """Returns what a user should be told after reading: nothing, or one line about rejected lines."""
        if not self.rejected:
            return []
        first = self.examples[0]
        where = f", listed in {self.rejected_path}" if self.rejected_path else ""
        total = self.read + self.rejected
        counted = f"{self.place}: {self.rejected:,} of {total:,} lines rejected{where}"
        return [f"{counted}; the first is line {first.line}: {first.reason}"]


def nothing_read(place: str, kind: type, examples: Sequence[Rejected]) -> InputError:
    """Returns what to say where not a single row is good."""
    first = f"; line {examples[0].line}: {examples[0].reason}" if examples else ", it is empty"
    return InputError(f"{place} holds no {kind.__name__} that can be read{first}")


def read_records(
    path: Path | str, kind: type[R], *, rejected: Path | str | None = None, origin: Origin | None = None,
    fields: FieldMap | None = None, encoding: str | None = None,
) -> Reader[R]:  # fmt: skip
    """Opens a file of records, or of rows in a shape people already have (see `workbench.records.shapes`).

    Args:
        path: ``.jsonl``, ``.json`` (an array, or objects), ``.csv`` or ``.tsv`` with a header, each of them also with
            ``.gz``, or ``.parquet``. None of them is read whole.
        kind: the record's class. Problems and traces are also made from foreign rows.
        rejected: where bad rows are written, customarily ``STEM.rejected.jsonl`` beside the output; an
            older file of that name is replaced.
        origin: what a foreign file does not say of itself.
        fields: what its fields are, where they should not be recognised; see `workbench.records.fields`.
        encoding: of a text; by default UTF-8, or what its first bytes say.

    Raises:
        InputError: for a missing file, an unknown suffix or a file that is not of its suffix's format; while
            iterating, where not a single row is good.
    """
    check_map(fields or {})
    rows = FileRows(existing_file(path), encoding=encoding, fields=fields)
    return Reader(rows, kind, place=str(path), rejected=rejected, origin=origin, fields=fields)


def write_records(path: Path | str, records: Iterable[Record]) -> int:
    """Writes records of one kind, whole or not at all, and returns how many; equal records give equal bytes.

    Args:
        path: ``.jsonl``, ``.jsonl.gz`` or ``.parquet`` (batches of 10,000 rows, zstd).
        records: consumed one after the other; never held at once.

    Raises:
        InputError: for an unknown suffix, mixed kinds, no record at all in Parquet, or broken Unicode.
        StorageError: where the disk refused.
    """
    path = Path(path)
    suffix = suffix_of(path, WRITABLE)
    checked = _one_kind(path, records)
    with atomic_path(path) as temporary:
        return _write_parquet(temporary, checked) if suffix == ".parquet" else _write_lines(temporary, suffix, checked)


def _one_kind(path: Path, records: Iterable[Record]) -> Iterator[Record]:
    kind: type | None = None
    for record in records:
        kind = kind or type(record)
        if type(record) is not kind:
            raise InputError(f"{path}: a {type(record).__name__} among {kind.__name__}s; write one kind per file")
        yield record


def _write_lines(path: Path, suffix: str, records: Iterable[Record]) -> int:
    count = 0
    with open(path, "wb") as stream:
        # No name and no time in the gzip header: equal records must give equal bytes.
        zipped = gzip.GzipFile("", "wb", 6, stream, mtime=0) if suffix == ".jsonl.gz" else None
        with closing(zipped or stream) as out:
            for record in records:
                out.write(_encoded(record) + b"\n")
                count += 1
    return count


def _write_parquet(path: Path, records: Iterator[Record]) -> int:
    first = next(records, None)
    if first is None:
        raise InputError("no record to write, and Parquet needs one to know its columns; write .jsonl instead")
    kind: Any = type(first)
    count = 0
    schema = arrow_schema(kind)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(chain([first], records), ROW_GROUP):
            writer.write_batch(_record_batch(batch, kind, schema))
            count += len(batch)
    return count


def _record_batch(batch: Sequence[Record], kind: Any, schema: pa.Schema) -> pa.RecordBatch:
    try:
        return pa.RecordBatch.from_pylist([pack(kind, to_dict(record)) for record in batch], schema=schema)
    except UnicodeEncodeError:
        for record in batch:
            _encoded(record)
        raise


def _encoded(record: Record) -> bytes:
    try:
        return to_json(record)
    except UnicodeEncodeError as error:
        name = getattr(record, "id", None) or getattr(record, "problem_id", "a record")
        raise InputError(f"{name}: its text holds half a character pair ({error.reason}); mend it first") from error


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


@contextmanager
def rejected_rows(path: Path | None) -> Iterator[Reject]:
    """Yields a function that writes one rejected row; the file appears at the end, and only where there is one.

    After an interruption the file of an earlier run is as it was.
    """
    if path is None:
        yield lambda rejected: None
        return
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        with ExitStack() as stack:
            streams: list[BinaryIO] = []

            def write(rejected: Rejected) -> None:
                with storage_errors(path):
                    if not streams:
                        path.parent.mkdir(parents=True, exist_ok=True)
                        streams.append(stack.enter_context(open(temporary, "wb")))
                    streams[0].write(msgspec.json.encode(asdict(rejected)) + b"\n")

            try:
                yield write
            except InputError:
                _publish(streams, temporary, path)
                raise
            _publish(streams, temporary, path)
    finally:
        remove(temporary)


def _publish(streams: Sequence[BinaryIO], temporary: Path, path: Path) -> None:
    with storage_errors(path):
        for stream in streams:
            stream.flush()
        temporary.replace(path) if streams else remove(path)
