"""The curated folder: the chosen traces, a table of reasons for the kept and one for the dropped, funnel and card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.curation.card import data_card
from workbench.curation.columns import Columns
from workbench.curation.config import BANDS, CRITERIA, Strategy
from workbench.curation.funnel import CurationReport
from workbench.curation.scores import Scores
from workbench.curation.selection import Choice, reason
from workbench.curation.spill import Spill
from workbench.curation.survivors import Survivors, write_survivors
from workbench.curation.verdicts import Verdicts
from workbench.files import atomic_path, file_hash, write_text
from workbench.records import Trace, write_records

_NAMES = ("id", "problem_id", "domain", "source")
_MATCHED = ("matched", "matched_original")
_ROW_GROUP = 50_000
Unchosen = Callable[[dict[str, str]], str]
_DROPPED = pa.schema([(name, pa.string()) for name in (*_NAMES, "stage", "reason", "detail", *_MATCHED)])


def write_folder(
    report: CurationReport, traces: Iterable[Trace], survivors: Survivors,
    choices: Sequence[Choice], verdicts: Verdicts, spill: Spill,
) -> None:  # fmt: skip
    """Writes all files of a curation; the funnel comes last: where it lies, the folder is whole."""
    rows, scores = survivors.rows, survivors.scores
    write_records(report.curated_path, traces)
    write_survivors(report.survivors_path, survivors)
    with atomic_path(report.dropped_path) as temporary:
        _write_dropped(temporary, verdicts, spill, _unchosen(report.config.strategy, choices))
    with atomic_path(report.kept_path) as temporary:
        pq.write_table(pa.table(_kept(rows, scores, choices, spill)), temporary, compression="zstd")
    kept = rows.take([choice.place for choice in choices])
    write_text(report.out / "README.md", data_card(report, kept, file_hash(report.pool)))
    write_text(report.funnel_path, msgspec.json.format(msgspec.json.encode(report.to_dict())).decode() + "\n")


def _write_dropped(path: Path, verdicts: Verdicts, spill: Spill, unchosen: Unchosen) -> None:
    """Row groups of one size, whatever the blocks were, so that equal runs give equal bytes."""
    with pq.ParquetWriter(path, _DROPPED, compression="zstd") as writer:
        pending: list[pa.RecordBatch] = []
        for batch in _dropped(verdicts, spill, unchosen):
            pending.append(batch)
            if sum(each.num_rows for each in pending) >= _ROW_GROUP:
                whole = pa.Table.from_batches(pending).combine_chunks()
                writer.write_table(whole.slice(0, _ROW_GROUP))
                pending = whole.slice(_ROW_GROUP).to_batches()
        if pending:
            writer.write_table(pa.Table.from_batches(pending, _DROPPED).combine_chunks())


def _dropped(verdicts: Verdicts, spill: Spill, unchosen: Unchosen) -> Iterator[pa.RecordBatch]:
    dropped = verdicts.dropped
    for start, batch in spill.batches():
        inside = dropped[np.searchsorted(dropped, start) : np.searchsorted(dropped, start + batch.num_rows)]
        if len(inside):
            rows = batch.take(pa.array(inside - start)).to_pylist()
            others = _originals(inside, verdicts, spill)
            filled = [
                _filled(int(index), row, verdicts, others, unchosen) for index, row in zip(inside, rows, strict=True)
            ]
            yield pa.RecordBatch.from_pylist(filled, schema=_DROPPED)


def _originals(indices: Iterable[int], verdicts: Verdicts, spill: Spill) -> dict[int, str]:
    """The ids of the rows that stayed in the place of these."""
    wanted = sorted({verdicts.of(index) for index in indices} - {-1})
    return {index: row["id"] for index, row in zip(wanted, spill.take(wanted), strict=True)}


def _filled(
    index: int, row: dict[str, Any], verdicts: Verdicts, others: dict[int, str], unchosen: Unchosen
) -> dict[str, Any]:
    stage, detail = verdicts.stage(index), verdicts.detail(index)
    if stage == "filters":
        detail = row["detail"]
    elif stage == "selection":
        detail = unchosen(row)
    elif (other := verdicts.of(index)) >= 0:
        detail = f"{detail}of {others[other]}"
    why = {"stage": stage, "reason": verdicts.reason(index), "detail": detail}
    return {name: row[name] for name in _NAMES} | why | dict(zip(_MATCHED, verdicts.matched(index), strict=True))


def _kept(survivors: Columns, scores: Scores, choices: Sequence[Choice], spill: Spill) -> dict[str, Sequence[Any]]:
    places = [choice.place for choice in choices]
    rows = spill.take(survivors.index[places].tolist())
    columns: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in _NAMES}
    columns["rank"] = [choice.rank for choice in choices]
    columns["quota"] = ["/".join(choice.quota) for choice in choices]
    columns["band"] = [BANDS[scores.band[place]] for place in places]
    columns["difficulty"] = [float(scores.difficulty[place]) for place in places]
    columns["quality"] = scores.quality[places].tolist()
    columns["suitability"] = scores.suitability[places].tolist()
    columns["is_long"] = scores.is_long[places].tolist()
    for name in CRITERIA:
        columns[f"{name}_gain"] = [choice.gains[name] for choice in choices]
    columns["reason"] = [_reason(survivors, scores, choice) for choice in choices]
    return columns


def _reason(survivors: Columns, scores: Scores, choice: Choice) -> str:
    place = choice.place
    return reason(
        survivors.strategy[place], BANDS[scores.band[place]], choice.gains,
        verified=bool(survivors.is_verified[place]), checked=bool(survivors.check[place] > 0),
        long=bool(scores.is_long[place]),
    )  # fmt: skip


def _unchosen(strategy: Strategy, choices: Sequence[Choice]) -> Unchosen:
    """What is said of a survivor that was not chosen."""
    if strategy != "joint":
        return lambda row: f"not among the {len(choices):,} that strategy {strategy} took"
    sizes = Counter(choice.quota for choice in choices)
    return lambda row: f"its source's quota of {sizes[row['domain'], row['source']]} went to rows of larger gain"
