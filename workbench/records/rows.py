"""A file's rows one after the other, before anybody knows what they say: bytes of JSON, or named fields.

Memory does not grow with the file: JSON arrays are cut at their commas as they stream, and a row that is too
long to be one is passed over. What is wrong with one row is yielded in its place and takes no other with it.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import InputError, first_line
from workbench.records.fields import FieldMap
from workbench.records.tables import TABLES, BadRow, TooLong, table_rows

Found = bytes | dict[str, Any] | InputError
"""A row: its JSON, its fields, or why there is none."""

TEXTS = (".jsonl", ".json", *TABLES)
READABLE = (*TEXTS, *(f"{suffix}.gz" for suffix in TEXTS), ".parquet")
MAX_ROW = 16 * 2**20
"""Bytes of a row, at most: more is a damaged file, or no row."""
_CHUNK = 2**20
_PARQUET_BATCH = 256
_SHOWN = 2_000
_MARKS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|(?P<open>\\?\Z))|[\[\]{},]', re.DOTALL)
"""What decides where a JSON value ends: strings whole, so that what is in them is passed over."""

_ESCAPED = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89abAB][0-9a-fA-F]{2})|(\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\[^u]"
)
"""Whole surrogate pairs, halves of one (in a group), and escapes that must not be taken for their beginning."""


class _BreaksOff(InputError):
    """The file ends in the middle."""

    text = ""


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file's rows; iterating again starts over."""

    path: Path
    name: str = ""
    """What the file is called where a row is rejected."""
    encoding: str | None = None
    """Of a text; by default UTF-8, or what its first bytes say."""
    fields: FieldMap | None = None
    """What a user says a table's columns are."""
    opened: Callable[[], Any] | None = None
    """Opens a text's bytes where they are no file of this computer."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.path.name)
        suffix_of(self.path, READABLE)
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError as error:
            raise InputError(f"no encoding is called {self.encoding!r}; try latin-1, cp1252 or utf-16") from error

    @property
    def is_table(self) -> bool:
        """True for a table with a header."""
        return suffix_of(self.path, READABLE).removesuffix(".gz") in TABLES

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        """Yields each row with its place: the line it begins in, or its number in Parquet and in a JSON array.

        Raises:
            InputError: where the file is not of its suffix's format at all.
        """
        suffix = suffix_of(self.path, READABLE)
        if suffix == ".parquet":
            return _parquet_rows(self.path)
        chunks = _text(self._stream(suffix.endswith(".gz")), self.encoding)
        kind = suffix.removesuffix(".gz")
        if kind in TABLES:
            return table_rows(self.path, _whole_lines(chunks), self.fields)
        return _values(self.path, chunks) if kind == ".json" else _lines(chunks)

    def _stream(self, is_zipped: bool) -> Any:
        try:
            stream = self.opened() if self.opened else open(self.path, "rb")  # noqa: SIM115  closed by who reads
        except OSError as error:
            raise InputError(f"{self.path} cannot be opened: {error.strerror or error}") from error
        return _Unzipped(stream) if is_zipped else stream


class _Unzipped(gzip.GzipFile):
    """A gzip stream that closes what it reads."""

    def __init__(self, stream: Any) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._stream = stream

    def close(self) -> None:
        super().close()
        self._stream.close()


def suffix_of(path: Path, known: tuple[str, ...]) -> str:
    """Returns which of the known suffixes a file's name has.

    Raises:
        InputError: where it has none of them.
    """
    for suffix in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InputError(f"{path}: the name must end with one of {', '.join(known)}")


def encoding_of(start: bytes) -> str:
    """Returns the encoding that a file's first bytes give away.

    >>> encoding_of(b'{"a": 1}'), encoding_of("{}".encode("utf-16"))
    ('utf-8', 'utf-16-le')
    """
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    # JSON and tables begin with ASCII: in UTF-16 every other byte is zero then.
    even, odd = start[0:64:2].count(0), start[1:64:2].count(0)
    if max(even, odd) > 0.7 * len(start[0:64:2]) > 1 and min(even, odd) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return "utf-8"


def fields_of(row: bytes | dict[str, Any]) -> dict[str, Any]:
    """Returns a row's named fields.

    Raises:
        InputError: saying why it is no JSON, or what it is instead of an object.
    """
    if isinstance(row, dict):
        return row
    try:
        value = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        value = _lenient(row, error)
    if not isinstance(value, dict):
        raise InputError(f"not an object with named fields but {type(value).__name__}")
    return value


def _lenient(row: bytes, error: Exception) -> Any:
    """JSON with NaN in it, as Python writes it, has ``None`` there; all else is refused with its reason."""
    if half := next((pair for pair in _ESCAPED.finditer(row) if pair[1] or pair[2]), None):
        raise InputError(f"not JSON: half a character pair, {half[0][:6].decode()} (byte {half.start()})") from error
    if not any(mark in row for mark in (b"NaN", b"Infinity")):
        raise InputError(_no_json(error)) from error
    try:
        return json.loads(row, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise InputError(_no_json(error)) from error


def _no_json(error: Exception) -> str:
    fix = "; save it as UTF-8, or say which --encoding it has" if isinstance(error, UnicodeDecodeError) else ""
    return f"not JSON: {error}{fix}"


def _text(opened: Any, encoding: str | None) -> Iterator[bytes]:
    """The file in chunks of UTF-8 without a byte-order mark; what cannot be decoded stays invalid, in its place."""
    with opened as stream:
        chunks = _chunks(stream)
        start = next(chunks, b"")
        name = encoding or encoding_of(start)
        mark = next((mark for mark, said in _MARKS.items() if said == name and start.startswith(mark)), b"")
        yield from _as_utf8(name, start.removeprefix(mark), chunks)


def _chunks(stream: Any) -> Iterator[bytes]:
    try:
        while chunk := stream.read1(_CHUNK) if hasattr(stream, "read1") else stream.read(_CHUNK):
            yield chunk
    except _BROKEN as error:
        raise _BreaksOff(f"the compressed file breaks off here ({error})") from error


def _as_utf8(name: str, start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if codecs.lookup(name).name == "utf-8":
        yield start
        yield from chunks
        return
    # Lone surrogates come out as bytes that are no UTF-8, so that only their own row is refused.
    decoder = codecs.getincrementaldecoder(name)("surrogatepass" if name.startswith("utf") else "surrogateescape")
    try:
        yield decoder.decode(start).encode("utf-8", "surrogatepass")
        for chunk in chunks:
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        raise _BreaksOff(f"not {name} from here on ({error})") from error


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their ends; of one that is too long the beginning alone, as `TooLong`."""
    pending, is_too_long = bytearray(), False
    try:
        for chunk in chunks:
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                pending += b"" if is_too_long else line
                yield TooLong(pending[:_SHOWN]) if is_too_long or len(pending) > MAX_ROW else bytes(pending) + b"\n"
                pending, is_too_long = bytearray(), False
            pending += b"" if is_too_long else rest
            if len(pending) > MAX_ROW:
                pending, is_too_long = pending[:_SHOWN], True
    except _BreaksOff as error:
        error.text = pending[:_SHOWN].decode(errors="backslashreplace")
        raise
    if pending:
        yield TooLong(pending) if is_too_long else bytes(pending)


def _lines(chunks: Iterator[bytes]) -> Iterator[tuple[int, Found]]:
    number = 0
    try:
        for number, line in enumerate(_whole_lines(chunks), 1):
            if isinstance(line, TooLong):
                yield number, BadRow(TooLong.reason, line.decode(errors="backslashreplace"))
            elif line.strip():
                yield number, line.strip()
    except _BreaksOff as error:
        yield number + 1, error


def _values(path: Path, chunks: Iterator[bytes]) -> Iterator[tuple[int, Found]]:
    """The values of one JSON array, or objects one after the other, as many a ``.json`` holds them."""
    number = 0
    try:
        start = next((chunk for chunk in chunks if chunk.strip()), b"").lstrip()
        if _begins_with_a_line(start):
            yield from _lines(chain([start], chunks))
            return
        scanner = _Scanner(path, start)
        fed = chain.from_iterable(map(scanner.feed, chain([b""], chunks)))
        for number, value in enumerate(chain(fed, scanner.finish()), 1):
            yield number, value
    except _BreaksOff as error:
        yield number + 1, error


def _begins_with_a_line(start: bytes) -> bool:
    """JSON Lines under the name of JSON: a broken line takes no other with it when they are read as lines."""
    line, newline, _ = start.partition(b"\n")
    try:
        return bool(newline) and isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Scanner:
    """Cuts a stream of JSON into its values, by brackets and commas outside of strings."""

    def __init__(self, path: Path, start: bytes) -> None:
        if start[:1] not in (b"[", b"{", b""):
            raise InputError(f"{path} is not one JSON array, nor objects; name it .jsonl if each line is one")
        self._base = 1 if start[:1] == b"[" else 0
        """The depth at which values stand."""
        self._depth = self._base
        self._value = bytearray(start[self._base :])
        """What is known of the value that has not ended yet, and all that follows."""
        self._seen = 0
        """How much of it was looked at."""
        self._is_too_long = self._has_ended = False

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yields the values that are whole by now."""
        self._value += chunk
        begin = 0
        for token in _TOKEN.finditer(self._value, self._seen):
            if token["open"] is not None:
                self._seen = token.start()
                break
            self._seen = token.end()
            if (end := self._end(token)) is not None:
                value, begin = bytes(self._value[begin:end]), token.end()
                yield from self._whole(value, is_last=self._has_ended)
        else:
            self._seen = len(self._value)
        del self._value[:begin]
        self._seen -= begin
        if len(self._value) > MAX_ROW:
            self._shorten()

    def _end(self, token: re.Match[bytes]) -> int | None:
        """Where the value ends that this token closes, if it closes one."""
        mark = token[0]
        if self._has_ended or mark[:1] == b'"':
            return None
        if mark == b",":
            return token.start() if self._depth == self._base else None
        self._depth = max(0, self._depth + (1 if mark in b"[{" else -1))
        if self._depth or mark in b"[{":
            return None
        self._has_ended = self._base == 1
        return token.start() if self._has_ended else token.end()

    def _whole(self, value: bytes, *, is_last: bool) -> Iterator[Found]:
        value = value.strip()
        if self._is_too_long:
            yield BadRow(TooLong.reason, value[:_SHOWN].decode(errors="backslashreplace"))
        elif value:
            yield value
        elif self._base and not is_last:
            yield InputError("nothing stands between two commas")
        self._is_too_long = False

    def _shorten(self) -> None:
        """Forgets the middle of a value that is too long, but not that a string is open in it."""
        rest = self._value[self._seen :]
        is_escaped = (len(rest) - len(rest.rstrip(b"\\"))) % 2 == 1
        opened = (b'"\\' if is_escaped else b'"') if rest else b""
        self._value = self._value[:_SHOWN].replace(b'"', b"'") + opened
        self._seen, self._is_too_long = len(self._value) - len(opened), True

    def finish(self) -> Iterator[Found]:
        """Yields what stands after the last value that was whole."""
        value = bytes(self._value).strip()
        if self._has_ended:
            if value:
                yield BadRow("text after the end of the array", value[:_SHOWN].decode(errors="backslashreplace"))
            return
        if value:
            yield from self._whole(value, is_last=True)
        if self._base:
            yield InputError("the file breaks off here: the array is never closed")


def _parquet_rows(path: Path) -> Iterator[tuple[int, Found]]:
    try:
        with pq.ParquetFile(path) as file:
            batches = (plain_rows(batch) for batch in file.iter_batches(batch_size=_PARQUET_BATCH))
            yield from enumerate(chain.from_iterable(batches), 1)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a whole Parquet file: {first_line(error)}") from error


def plain_rows(batch: pa.RecordBatch) -> Iterator[Found]:
    """The rows as Python values; one whose text is no UTF-8 is refused alone."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for place in range(batch.num_rows):
            try:
                yield batch.slice(place, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield InputError(f"a text that is not UTF-8 ({error.reason})")
