"""Names and reasons of all rows, kept on disk while a pool is curated: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from workbench.files import storage_errors

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "problem_id", "domain", "source", "reason", "detail")]
    + [("line", pa.int64()), ("part", pa.int64())]
)
"""Line and part say where a trace is in the file: a row can give several."""


class Spill:
    """A temporary table with one row per row of the pool: `SCHEMA`; reason and detail are the filters'."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "names.arrow"
        self._writer: pa.RecordBatchFileWriter | None = pa.ipc.new_file(str(self._path), SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def write(self, batch: pa.RecordBatch) -> None:
        """Appends the names of a block of rows."""
        with storage_errors(self._path):
            assert self._writer is not None
            self._writer.write_batch(batch)

    def finish(self) -> None:
        """Ends the writing; from here on rows can be read."""
        if self._writer is not None:
            with storage_errors(self._path):
                self._writer.close()
            self._writer = None

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yields each block with the index of its first row, memory-mapped."""
        with pa.memory_map(str(self._path)) as source:
            reader = pa.ipc.open_file(source)
            start = 0
            for place in range(reader.num_record_batches):
                batch = reader.get_batch(place)
                yield start, batch
                start += batch.num_rows

    def take(self, indices: list[int]) -> list[dict[str, Any]]:
        """Returns the names of these rows, in this order."""
        wanted = sorted(set(indices))
        found: dict[int, dict[str, Any]] = {}
        place = 0
        for start, batch in self.batches():
            first = place
            while place < len(wanted) and wanted[place] < start + batch.num_rows:
                place += 1
            if inside := wanted[first:place]:
                rows = batch.take(pa.array([index - start for index in inside])).to_pylist()
                found |= dict(zip(inside, rows, strict=True))
        return [found[index] for index in indices]
