"""The first pass over a pool: blocks of rows are judged and described, by several processes where that pays."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from workbench.processes import ordered_map
from workbench.records import (
    BlockReader,
    FileRows,
    Reject,
    Rejected,
    RowBlock,
    Trace,
    UniqueIds,
    nothing_read,
    renamed,
    row_blocks,
)

BLOCK = 1_000
"""Rows that are judged at a time."""
_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Judge:
    """What every row is looked at with; it goes to every process."""

    config: CurationConfig
    held_out: HeldOut
    count_tokens: CountTokens | None = None
    grade_answer: GradeAnswer | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of the pool after the first look."""

    sound: Columns
    """Those without a defect; their ``index`` counts from the block's first trace."""
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
    foreign: dict[int, int]
    """The samples of rows whose ids are made from their questions, by that index: a pool counts them whole."""
    rows: int
    """Good rows; one of them may give several traces."""
    rejected: tuple[Rejected, ...]


@dataclass(slots=True)
class Pool:
    """What is known of a pool after the first pass."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    neighbours: Neighbours = field(default_factory=Neighbours)
    suspects: dict[int, Suspect] = field(default_factory=dict)
    gram_counts: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Sound questions per held-out n-gram."""
    read: int = 0
    """Rows that could be read."""
    rejected: int = 0
    examples: list[Rejected] = field(default_factory=list)
    """The first rows that could not."""
    sound: Columns = field(default_factory=lambda: Columns.of([]))
    table: TokenTable = field(default_factory=lambda: TokenTable.of([]))
    """The questions of the sound rows, in the same order."""


_judge: Judge
"""Of a process that judges blocks."""


def _begin(pickled: bytes) -> None:
    global _judge
    _judge = pickle.loads(pickled)


def _work(block: RowBlock) -> Block:
    return judged_block(block, _judge)


def judged_blocks(rows: FileRows, judge_with: Judge, workers: int) -> Iterator[Block]:
    """Yields the pool's blocks in order; the result does not depend on the number of processes.

    What cannot be sent to another process, such as a lambda that counts tokens, is used in this one.
    """
    blocks = row_blocks(rows, BLOCK)
    try:
        pickled = pickle.dumps(judge_with) if workers > 1 else b""
    except (pickle.PicklingError, AttributeError, TypeError):
        pickled = b""
    if pickled:
        return ordered_map(_work, blocks, workers, _begin, pickled)
    return (judged_block(block, judge_with) for block in blocks)


def judged_block(block: RowBlock, judge_with: Judge) -> Block:
    """Decodes, judges and describes some rows."""
    rejected: list[Rejected] = []
    reader = BlockReader(block)
    numbered = [
        (line, part, trace) for line, made in reader.numbered(rejected.append) for part, trace in enumerate(made)
    ]
    traces = [trace for _, _, trace in numbered]
    is_foreign = reader.is_foreign(traces)
    found = [judge(trace, judge_with.config, judge_with.count_tokens, judge_with.grade_answer) for trace in traces]
    places = [place for place, each in enumerate(found) if each.defect is None]
    questions = [question_text(traces[place].problem) for place in places]
    coded = [encode(question) for question in questions]
    rows: list[Row] = [
        describe(traces[place], words(question), found[place].is_verified)
        for place, question in zip(places, questions, strict=True)
    ]
    met, suspects = judge_with.held_out.scan(questions, coded)
    return Block(
        Columns.of(rows, places), np.concatenate([np.zeros(0, dtype=np.uint32), *coded]),
        np.array([len(each) for each in coded], dtype=np.int32), neighbour_counts(coded), met,
        {places[place]: suspect for place, suspect in suspects.items()},
        _names(numbered, [each.defect for each in found]),
        {place: trace.sample for place, trace in enumerate(traces) if is_foreign[place]}, reader.read, tuple(rejected),
    )  # fmt: skip


def _names(numbered: Sequence[tuple[int, int, Trace]], defects: Sequence[Defect | None]) -> pa.RecordBatch:
    traces = [trace for _, _, trace in numbered]
    texts = [
        [trace.id for trace in traces], [trace.problem.id for trace in traces],
        [trace.problem.domain for trace in traces], [trace.problem.source for trace in traces],
        [defect.reason if defect else "" for defect in defects],
        [defect.detail if defect else "" for defect in defects],
    ]  # fmt: skip
    lines, parts = [line for line, _, _ in numbered], [part for _, part, _ in numbered]
    places = [pa.array(lines, pa.int64()), pa.array(parts, pa.int64())]
    return pa.record_batch([*(pa.array(column, pa.string()) for column in texts), *places], schema=SCHEMA)


def read_pool(
    rows: FileRows, judge_with: Judge, spill: Spill, folder: Path, workers: int, reject: Reject
) -> Iterator[Pool]:
    """Reads a pool, and yields what is known of it so far after every block.

    Args:
        rows: the pool's file.
        judge_with: what to look at every row with.
        spill: receives the names of all rows.
        folder: receives what need not stay in memory.
        workers: processes.
        reject: takes the rows that cannot be read.

    Raises:
        InputError: where not a single row is good.
    """
    pool, parts, tokens = Pool(), [], TokenFile(folder / "tokens.u32")
    ids = UniqueIds()
    pool.gram_counts = np.zeros(judge_with.held_out.gram_count, dtype=np.int64)
    pool.neighbours.add(neighbour_counts([original.tokens for original in judge_with.held_out.originals]))
    for block in judged_blocks(rows, judge_with, workers):
        parts.append(_added(pool, block, tokens))
        spill.write(_named(block, ids))
        for rejected in block.rejected:
            reject(rejected)
        yield pool
    if not pool.read:
        raise nothing_read(str(rows.path), Trace, pool.examples)
    spill.finish()
    pool.sound, pool.table = Columns.concat(parts), tokens.finish()
    yield pool


def _added(pool: Pool, block: Block, tokens: TokenFile) -> Columns:
    start = len(pool.verdicts)
    pool.suspects |= {start + place: suspect for place, suspect in block.suspects.items()}
    pool.gram_counts += np.bincount(block.met, minlength=len(pool.gram_counts))
    pool.neighbours.add(block.neighbours)
    pool.verdicts.extend(block.names["reason"].to_pylist())
    pool.read += block.rows
    pool.rejected += len(block.rejected)
    pool.examples += block.rejected[: _EXAMPLES - len(pool.examples)]
    tokens.write(block.tokens, block.token_counts)
    block.sound.index[:] += start
    return block.sound


def _named(block: Block, ids: UniqueIds) -> pa.RecordBatch:
    """The block's names, with ids that are unique in the whole pool."""
    if not block.foreign:
        return block.names
    names, problems = block.names["id"].to_pylist(), block.names["problem_id"].to_pylist()
    for place, sample in block.foreign.items():
        names[place] = ids.of(problems[place], sample) or names[place]
    return block.names.set_column(0, "id", pa.array(names, pa.string()))


def chosen_traces(rows: FileRows, names: Sequence[dict[str, Any]]) -> Iterator[Trace]:
    """Yields the traces with these names, from `Spill.take`, in the pool's order; the others are not decoded."""
    wanted: dict[int, dict[int, str]] = {}
    for name in names:
        wanted.setdefault(name["line"], {})[name["part"]] = name["id"]
    for block in row_blocks(rows, BLOCK):
        inside = block.only(wanted.keys())
        for line, made in BlockReader(inside).numbered(lambda rejected: None) if inside.lines else ():
            yield from (renamed(made[part], name) for part, name in sorted(wanted[line].items()))
