"""Everything that selection knows of the survivors, on disk, so that it can be done anew without the pool."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.curation.columns import Category, Columns
from workbench.curation.difficulty import Ints
from workbench.curation.scores import Scores
from workbench.errors import InputError
from workbench.files import atomic_path, existing_file

_SCORE, _RANK = "score_", "rank"
_ROW_GROUP = 50_000


@dataclass(frozen=True, slots=True)
class Survivors:
    """The rows that no filter dropped, their scores, and which of them were kept."""

    rows: Columns
    scores: Scores
    kept: Ints
    """Places among the rows, in the order of choice."""

    def __len__(self) -> int:
        return len(self.rows)


def write_survivors(path: Path, survivors: Survivors) -> None:
    """Writes ``survivors.parquet``: one row per survivor, ``rank`` 0 where it was not kept."""
    columns = {item.name: _array(getattr(survivors.rows, item.name)) for item in fields(Columns)}
    for item in fields(Scores):
        if (values := getattr(survivors.scores, item.name)) is not None:
            columns[_SCORE + item.name] = _array(values)
    rank = np.zeros(len(survivors), dtype=np.int32)
    rank[survivors.kept] = np.arange(1, len(survivors.kept) + 1)
    columns[_RANK] = pa.array(rank)
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", row_group_size=_ROW_GROUP)


def read_survivors(path: Path | str) -> Survivors:
    """Reads what `write_survivors` wrote.

    Raises:
        InputError: where the file is missing or of another kind.
    """
    table = pq.read_table(existing_file(path))
    missing = {_RANK, *(item.name for item in fields(Columns))} - set(table.column_names)
    if missing:
        raise InputError(f"{path} has no column {min(missing)}; curate again to write it anew")
    rows = Columns(**{item.name: _values(table[item.name]) for item in fields(Columns)})
    names = [item.name for item in fields(Scores) if _SCORE + item.name in table.column_names]
    scores = Scores(**{name: _values(table[_SCORE + name]) for name in names})
    rank = table[_RANK].to_numpy()
    kept = np.flatnonzero(rank)
    return Survivors(rows, scores, kept[np.argsort(rank[kept])])


def _array(values: Category | np.ndarray[Any, Any]) -> pa.Array:
    if isinstance(values, Category):
        return pa.DictionaryArray.from_arrays(pa.array(values.codes), pa.array(values.names, pa.string()))
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).ravel()), values.shape[1])


def _values(column: pa.ChunkedArray) -> Any:
    if pa.types.is_dictionary(column.type):
        whole = column.unify_dictionaries().combine_chunks()
        return Category(whole.indices.to_numpy().astype(np.int32), tuple(whole.dictionary.to_pylist()))
    if pa.types.is_fixed_size_list(column.type):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(-1, column.type.list_size)
    return column.to_numpy()
