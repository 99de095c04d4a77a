"""The first pass over a pool: every row is judged, and the sound ones are described as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from workbench.curation.columns import Columns, Row
from workbench.curation.config import CurationConfig
from workbench.curation.contamination import Grams, HeldOut
from workbench.curation.describe import describe
from workbench.curation.filters import CountTokens, Defect, GradeAnswer, judge
from workbench.curation.spill import SCHEMA, Spill
from workbench.curation.text import question_words
from workbench.curation.verdicts import Verdicts
from workbench.records import Trace

BLOCK = 1_000
"""Rows that are judged at a time."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What every row is looked at with."""

    config: CurationConfig
    held_out: HeldOut
    count_tokens: CountTokens | None = None
    grade_answer: GradeAnswer | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of the pool after the first look."""

    sound: Columns
    """Those without a defect; their ``index`` counts from the block's first row."""
    grams: dict[int, Grams]
    """What they share with held-out questions, by that index."""
    names: pa.RecordBatch
    """All of them, with the filters' reasons; see `workbench.curation.spill`."""


def judged_block(traces: Sequence[Trace], judge_with: Judge) -> Block:
    """Judges and describes a block of rows."""
    rows: list[Row] = []
    places: list[int] = []
    defects: list[Defect | None] = []
    grams: dict[int, Grams] = {}
    for place, trace in enumerate(traces):
        found = judge(trace, judge_with.config, judge_with.count_tokens, judge_with.grade_answer)
        defects.append(found.defect)
        if found.defect is None:
            question = question_words(trace.problem)
            rows.append(describe(trace, question, found.is_verified))
            places.append(place)
            if shared := judge_with.held_out.grams(question):
                grams[place] = shared
    return Block(Columns.of(rows, places), grams, _names(traces, defects))


def _names(traces: Sequence[Trace], defects: Sequence[Defect | None]) -> pa.RecordBatch:
    columns = [
        [trace.id for trace in traces], [trace.problem.id for trace in traces],
        [trace.problem.domain for trace in traces], [trace.problem.source for trace in traces],
        [defect.reason if defect else "" for defect in defects],
        [defect.detail if defect else "" for defect in defects],
    ]  # fmt: skip
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


def read_pool(traces: Iterable[Trace], judge_with: Judge, spill: Spill) -> tuple[Columns, dict[int, Grams], Verdicts]:
    """Returns the sound rows as columns, what they share with held-out questions, and the verdicts on all rows."""
    parts: list[Columns] = []
    grams: dict[int, Grams] = {}
    verdicts = Verdicts()
    for batch in _batches(traces, BLOCK):
        block = judged_block(batch, judge_with)
        start = len(verdicts)
        block.sound.index[:] += start
        parts.append(block.sound)
        grams |= {start + place: shared for place, shared in block.grams.items()}
        verdicts.extend(block.names["reason"].to_pylist())
        spill.write(block.names)
    spill.finish()
    return Columns.concat(parts), grams, verdicts


def _batches(traces: Iterable[Trace], size: int) -> Iterator[list[Trace]]:
    traces = iter(traces)
    while batch := list(islice(traces, size)):
        yield batch
