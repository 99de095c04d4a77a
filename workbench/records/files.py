"""Records in files: JSON Lines for people, Parquet for large pools, the same fields in both."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import InputError
from workbench.files import atomic_path, existing_file, remove, storage_errors
from workbench.records.columns import arrow_schema, pack, unpack
from workbench.records.shapes import Origin, to_problem, to_trace
from workbench.records.tables import TABLES, named_by_row, table_rows
from workbench.records.types import Problem, Record, Trace, from_dict, from_json, to_dict, to_json

READABLE = (".jsonl", ".jsonl.gz", ".json", ".parquet", *TABLES)
WRITABLE = (".jsonl", ".jsonl.gz", ".parquet")
ROW_GROUP = 10_000
_EXAMPLES = 20

R = TypeVar("R", bound=Record)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that could not be read, as it stands in ``STEM.rejected.jsonl``."""

    file: str
    line: int
    """Counted from 1; the row's number in Parquet and in a JSON array."""
    reason: str
    text: str
    """The line itself; bytes that are no UTF-8 are written as ``\\xNN``."""


class Reader(Generic[R]):
    """The records of one file, one after the other; iterating again starts over.

    A bad line is counted, kept in ``examples`` (the first 20) and written to ``rejected_path`` where one
    was given; it never stops the run. The counts are those of the current or last iteration.
    """

    def __init__(self, path: Path | str, kind: type[R], rejected_path: Path | str | None, origin: Origin | None):
        self.path = existing_file(path)
        self.kind: Any = kind
        self.rejected_path = Path(rejected_path) if rejected_path else None
        self.suffix = _suffix(self.path, READABLE)
        self._origin = origin
        self._prefix = f'{{"schema":"workbench.{kind.__name__.lower()}/'.encode()
        self._start()

    def _start(self) -> None:
        self.read = 0
        """Good records so far."""
        self.rejected = 0
        self.reasons: Counter[str] = Counter()
        """How many lines were rejected for what, places within the line left out."""
        self.examples: list[Rejected] = []
        self._seen: Counter[str] = Counter()

    def __iter__(self) -> Iterator[R]:
        self._start()
        with _rejected_lines(self.rejected_path) as write:
            for line, row in _rows(self.path, self.suffix):
                try:
                    record = self._record(row)
                except InputError as error:
                    self._reject(line, row, str(error), write)
                    continue
                self.read += 1
                yield record
        if not self.read:
            first = f"; line {self.examples[0].line}: {self.examples[0].reason}" if self.examples else ", it is empty"
            raise InputError(f"{self.path} holds no {self.kind.__name__} that can be read{first}")

    def _record(self, row: bytes | dict[str, Any] | InputError) -> R:
        if isinstance(row, InputError):
            raise row
        if isinstance(row, bytes) and row.startswith(self._prefix):
            record: R = from_json(self.kind, row)
        else:
            record = self._converted(_object(row))
        problem = record.problem if isinstance(record, Trace) else record
        if isinstance(problem, Problem) and not problem.question.strip():
            raise InputError("the question is empty")
        return record

    def _converted(self, row: dict[str, Any]) -> R:
        if self.kind not in (Problem, Trace):
            return cast(R, from_dict(self.kind, unpack(self.kind, row)))
        schema = str(row.get("schema", ""))
        own = {"workbench.problem": Problem, "workbench.trace": Trace}.get(schema.split("/")[0])
        values = unpack(own, row) if own else row
        record = to_problem(values, self._origin) if self.kind is Problem else to_trace(values, self._origin)
        if own:
            return cast(R, record)
        return cast(R, self._unique(named_by_row(record) if self.suffix in TABLES else record))

    def _unique(self, record: Problem | Trace) -> Problem | Trace:
        """Ids are hashes of the question: a second answer is the next sample, a second problem gets a number."""
        name = record.id
        self._seen[name] += 1
        count = self._seen[name]
        if count == 1:
            return record
        if isinstance(record, Trace):
            return replace(record, id=f"{record.problem.id}-{count - 1}", sample=count - 1)
        return replace(record, id=f"{name}-{count}")

    def _reject(self, line: int, row: object, reason: str, write: Callable[[Rejected], None]) -> None:
        text = row.decode(errors="backslashreplace") if isinstance(row, bytes) else getattr(row, "text", "")
        text = json.dumps(row, default=str, ensure_ascii=False) if isinstance(row, dict) else text
        rejected = Rejected(file=self.path.name, line=line, reason=reason, text=text)
        self.rejected += 1
        self.reasons[reason.split(" (byte ")[0]] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(rejected)
        write(rejected)

    def warnings(self) -> list[str]:
        """Returns what a user should be told after reading: nothing, or one line about rejected lines."""
        if not self.rejected:
            return []
        first = self.examples[0]
        where = f", listed in {self.rejected_path}" if self.rejected_path else ""
        total = self.read + self.rejected
        counted = f"{self.path}: {self.rejected:,} of {total:,} lines rejected{where}"
        return [f"{counted}; the first is line {first.line}: {first.reason}"]


def read_records(
    path: Path | str, kind: type[R], *, rejected: Path | str | None = None, origin: Origin | None = None
) -> Reader[R]:
    """Opens a file of records, or of rows in a shape people already have (see `workbench.records.shapes`).

    Args:
        path: ``.jsonl``, ``.jsonl.gz``, ``.json`` (one array; the only one that is read whole), ``.parquet``, or
            ``.csv`` and ``.tsv`` with a header (see `workbench.records.tables`).
        kind: the record's class. Problems and traces are also made from foreign rows.
        rejected: where bad lines are written, customarily ``STEM.rejected.jsonl`` beside the output; an
            older file of that name is removed.
        origin: what a foreign file does not say of itself.

    Raises:
        InputError: for a missing file, an unknown suffix or a file that is not of its suffix's format; while
            iterating, where not a single line is good.
    """
    return Reader(path, kind, rejected, origin)


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
    suffix = _suffix(path, WRITABLE)
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


def _suffix(path: Path, known: tuple[str, ...]) -> str:
    for suffix in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InputError(f"{path}: the name must end with one of {', '.join(known)}")


@contextmanager
def _rejected_lines(path: Path | None) -> Iterator[Callable[[Rejected], None]]:
    """Yields a function that writes one rejected line; the file exists only where there is one."""
    with ExitStack() as stack:
        streams: list[BinaryIO] = []

        def write(rejected: Rejected) -> None:
            if path is None:
                return
            with storage_errors(path):
                if not streams:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    streams.append(stack.enter_context(open(path, "wb")))
                streams[0].write(msgspec.json.encode(asdict(rejected)) + b"\n")

        if path is not None:
            remove(path)
        yield write


def _object(row: bytes | dict[str, Any]) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    try:
        value = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"not an object with named fields but {type(value).__name__}")
    return value


def _rows(path: Path, suffix: str) -> Iterator[tuple[int, bytes | dict[str, Any] | InputError]]:
    if suffix == ".parquet":
        return _parquet_rows(path)
    if suffix in TABLES:
        return table_rows(path)
    return _array_rows(path) if suffix == ".json" else _text_rows(path, suffix)


def _text_rows(path: Path, suffix: str) -> Iterator[tuple[int, bytes | InputError]]:
    number = 0
    with gzip.open(path, "rb") if suffix == ".jsonl.gz" else open(path, "rb") as stream:
        try:
            for number, line in enumerate(stream, 1):
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield number, line.strip()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield number + 1, InputError(f"the compressed file breaks off here ({error})")


def _array_rows(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        rows = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not one JSON array ({error}); name it .jsonl if each line is one") from error
    yield from ((number, bytes(row)) for number, row in enumerate(rows, 1))


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with pq.ParquetFile(path) as file:
            batches = (batch.to_pylist() for batch in file.iter_batches(batch_size=1_000))
            yield from enumerate(chain.from_iterable(batches), 1)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a whole Parquet file: {str(error).splitlines()[0]}") from error
