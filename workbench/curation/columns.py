"""A pool's rows as columns: numbers alone, one entry per row, without the texts.

What a later stage needs of a row is made once, while its text is at hand (see `workbench.curation.describe`),
and kept in about 200 bytes. Names that repeat are `Category` columns; ids and texts are read again when the
chosen rows are written.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

SKETCH = 12
"""Words per question that stand for its vocabulary."""
NAMED = 3
"""Strategy, level and opening: the features before the words."""
MEASURES = ("level", "steps", "digits", "numbers", "characters")
"""What `Columns.structure` holds, in order."""

Codes = NDArray[np.int32]
Places = NDArray[np.int64] | Sequence[int]
"""Positions in the columns, not the pool's indices."""


class Row(NamedTuple):
    """One row in light form, on its way into the columns."""

    domain: str
    source: str
    license: str
    teacher: str
    strategy: str
    """The first words of its strategy, numbers masked."""
    features: tuple[str, ...]
    """Strategy, level and opening, then up to `SKETCH` words; see `workbench.curation.describe`."""
    structure: tuple[float, ...]
    """The `MEASURES`, NaN where one is not known."""
    length: int
    """Characters of the rendered trace."""
    tokens: int
    """Of question and trace: the student's where they were counted, else estimated from the bytes."""
    is_verified: bool
    has_check: bool
    question_length: int
    """Characters of the question and its choices."""
    question_hash: bytes
    """16 bytes of the normalised question's sha256."""
    content_hash: bytes
    """16 bytes of the question's and trace's sha256."""
    soundness: float = 1.0
    """Of its arithmetic, in [0, 1]; see `workbench.curation.quality`."""
    check: float = 0.0
    """How much its check checks, in [0, 1]; see `workbench.curation.quality`."""


@dataclass(frozen=True, slots=True)
class Category:
    """A column of names that repeat: codes into a table of names, in the order of first appearance.

    >>> Category.of(["b", "a", "b"]).names, Category.of(["b", "a", "b"]).codes.tolist()
    (('b', 'a'), [0, 1, 0])
    """

    codes: Codes
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """Returns the column of these values."""
        known: dict[str, int] = {}
        codes = [known.setdefault(value, len(known)) for value in values]
        return cls(np.array(codes, dtype=np.int32), tuple(known))

    @classmethod
    def concat(cls, parts: Sequence[Category]) -> Self:
        """Returns the columns one after the other, their tables of names merged."""
        known: dict[str, int] = {}
        codes = [np.empty(0, dtype=np.int32)]
        for part in parts:
            merged = np.array([known.setdefault(name, len(known)) for name in part.names], dtype=np.int32)
            codes.append(merged[part.codes] if len(part.codes) else part.codes)
        return cls(np.concatenate(codes), tuple(known))

    def take(self, places: Places) -> Category:
        """Returns the values at these places; the table of names stays whole."""
        return Category(self.codes[np.asarray(places, dtype=np.int64)], self.names)

    def __getitem__(self, place: int) -> str:
        return self.names[int(self.codes[place])]

    def __len__(self) -> int:
        return len(self.codes)

    def values(self) -> list[str]:
        """Returns the names row by row."""
        return [self.names[code] for code in self.codes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Rows of a pool, or those of them that survived; all columns have one entry per row.

    Shapes: ``n`` rows, ``structure`` n × 5, ``features`` n × (3 + `SKETCH`), the two hashes n × 2.
    """

    index: NDArray[np.int64]
    """The row's number among the pool's good rows, from 0."""
    domain: Category
    source: Category
    license: Category
    teacher: Category
    strategy: Category
    structure: NDArray[np.float32]
    """The `MEASURES`."""
    features: NDArray[np.uint32]
    """Hashes of the features' names: strategy, level, opening, then words; 0 is an empty slot."""
    length: NDArray[np.int32]
    tokens: NDArray[np.int32]
    is_verified: NDArray[np.bool_]
    has_check: NDArray[np.bool_]
    question_length: NDArray[np.int32]
    question_hash: NDArray[np.uint64]
    """Big-endian halves: their order is the bytes' order."""
    content_hash: NDArray[np.uint64]
    soundness: NDArray[np.float32]
    check: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence[Row], index: Sequence[int] | None = None) -> Self:
        """Returns rows as columns; ``index`` counts from 0 where it is not given."""
        return cls(
            index=np.arange(len(rows)) if index is None else np.array(index, dtype=np.int64),
            domain=Category.of(row.domain for row in rows),
            source=Category.of(row.source for row in rows),
            license=Category.of(row.license for row in rows),
            teacher=Category.of(row.teacher for row in rows),
            strategy=Category.of(row.strategy for row in rows),
            structure=np.array([row.structure for row in rows], dtype=np.float32).reshape(-1, len(MEASURES)),
            features=np.array([_slots(row.features) for row in rows], dtype=np.uint32).reshape(-1, NAMED + SKETCH),
            length=np.array([row.length for row in rows], dtype=np.int32),
            tokens=np.array([row.tokens for row in rows], dtype=np.int32),
            is_verified=np.array([row.is_verified for row in rows], dtype=np.bool_),
            has_check=np.array([row.has_check for row in rows], dtype=np.bool_),
            question_length=np.array([row.question_length for row in rows], dtype=np.int32),
            question_hash=_halves(row.question_hash for row in rows),
            content_hash=_halves(row.content_hash for row in rows),
            soundness=np.array([row.soundness for row in rows], dtype=np.float32),
            check=np.array([row.check for row in rows], dtype=np.float32),
        )

    @classmethod
    def concat(cls, parts: Sequence[Columns]) -> Self:
        """Returns blocks of rows one after the other."""
        parts = parts or [Columns.of([])]
        joined: dict[str, Any] = {}
        for item in fields(cls):
            columns = [getattr(part, item.name) for part in parts]
            is_category = isinstance(columns[0], Category)
            joined[item.name] = Category.concat(columns) if is_category else np.concatenate(columns)
        return cls(**joined)

    def take(self, places: Places) -> Self:
        """Returns the rows at these places, in this order."""
        places = np.asarray(places, dtype=np.int64)
        taken: dict[str, Any] = {}
        for item in fields(self):
            column = getattr(self, item.name)
            taken[item.name] = column.take(places) if isinstance(column, Category) else column[places]
        return type(self)(**taken)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Bytes that the columns hold in memory, names included."""
        total = 0
        for item in fields(self):
            column = getattr(self, item.name)
            if isinstance(column, Category):
                total += column.codes.nbytes + sum(len(name) + 49 for name in column.names)
            else:
                total += column.nbytes
        return total

    def hash_bytes(self, place: int) -> bytes:
        """Returns the 16 bytes of a row's content hash."""
        return bytes(self.content_hash[place].astype(">u8").tobytes())


def _halves(hashes: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(hashes), dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _slots(features: Sequence[str]) -> list[int]:
    found = [feature_hash(name) for name in features]
    return found + [0] * (NAMED + SKETCH - len(found))


@lru_cache(maxsize=100_000)
def feature_hash(name: str) -> int:
    """Returns a feature's number, never 0: two of a million names share one in about a hundred cases."""
    return zlib.crc32(name.encode(errors="replace")) or 1
