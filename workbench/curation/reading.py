"""The first pass over a pool: every row is judged, and the sound ones are described as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.curation.columns import Columns, Row
from workbench.curation.config import CurationConfig
from workbench.curation.describe import describe
from workbench.curation.filters import CountTokens, Defect, GradeAnswer, judge
from workbench.curation.held_out import HeldOut, Ints, Suspect
from workbench.curation.spill import SCHEMA, Spill
from workbench.curation.templates import Counts, Neighbours, neighbour_counts
from workbench.curation.text import question_text, words
from workbench.curation.tokens import TokenFile, Tokens, TokenTable, encode
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
    tokens: Tokens
    """The codes of their questions, joined."""
    token_counts: NDArray[np.int32]
    neighbours: tuple[Counts, Counts]
    met: Ints
    """The held-out n-grams in their questions, by id, once per question."""
    suspects: dict[int, Suspect]
    """Rows that may be copies of held-out questions, by that index."""
    names: pa.RecordBatch
    """All of them, with the filters' reasons; see `workbench.curation.spill`."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What is known of a pool after the first pass."""

    sound: Columns
    table: TokenTable
    """The questions of the sound rows, in the same order."""
    neighbours: Neighbours
    gram_counts: Ints
    """Sound questions per held-out n-gram."""
    suspects: dict[int, Suspect]
    verdicts: Verdicts


def judged_block(traces: Sequence[Trace], judge_with: Judge) -> Block:
    """Judges and describes a block of rows."""
    rows: list[Row] = []
    places: list[int] = []
    questions: list[str] = []
    defects: list[Defect | None] = []
    for place, trace in enumerate(traces):
        found = judge(trace, judge_with.config, judge_with.count_tokens, judge_with.grade_answer)
        defects.append(found.defect)
        if found.defect is None:
            questions.append(question_text(trace.problem))
            rows.append(describe(trace, words(questions[-1]), found.is_verified))
            places.append(place)
    coded = [encode(question) for question in questions]
    met, suspects = judge_with.held_out.scan(questions, coded)
    return Block(
        Columns.of(rows, places), np.concatenate([np.zeros(0, dtype=np.uint32), *coded]),
        np.array([len(each) for each in coded], dtype=np.int32), neighbour_counts(coded), met,
        {places[place]: suspect for place, suspect in suspects.items()}, _names(traces, defects),
    )  # fmt: skip


def _names(traces: Sequence[Trace], defects: Sequence[Defect | None]) -> pa.RecordBatch:
    columns = [
        [trace.id for trace in traces], [trace.problem.id for trace in traces],
        [trace.problem.domain for trace in traces], [trace.problem.source for trace in traces],
        [defect.reason if defect else "" for defect in defects],
        [defect.detail if defect else "" for defect in defects],
    ]  # fmt: skip
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


def read_pool(traces: Iterable[Trace], judge_with: Judge, spill: Spill, folder: Path) -> Pool:
    """Returns what is known of all rows; ``folder`` receives what need not stay in memory."""
    parts: list[Columns] = []
    suspects: dict[int, Suspect] = {}
    verdicts, neighbours, tokens = Verdicts(), Neighbours(), TokenFile(folder / "tokens.u32")
    neighbours.add(neighbour_counts([original.tokens for original in judge_with.held_out.originals]))
    gram_counts = np.zeros(judge_with.held_out.gram_count, dtype=np.int64)
    for batch in _batches(traces, BLOCK):
        block = judged_block(batch, judge_with)
        start = len(verdicts)
        block.sound.index[:] += start
        parts.append(block.sound)
        suspects |= {start + place: suspect for place, suspect in block.suspects.items()}
        gram_counts += np.bincount(block.met, minlength=len(gram_counts))
        neighbours.add(block.neighbours)
        tokens.write(block.tokens, block.token_counts)
        verdicts.extend(block.names["reason"].to_pylist())
        spill.write(block.names)
    spill.finish()
    return Pool(Columns.concat(parts), tokens.finish(), neighbours, gram_counts, suspects, verdicts)


def _batches(traces: Iterable[Trace], size: int) -> Iterator[list[Trace]]:
    traces = iter(traces)
    while batch := list(islice(traces, size)):
        yield batch
