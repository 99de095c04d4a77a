"""From a pool of traces to the few that are worth learning from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.curation.candidates import Candidate, candidate, describe
from workbench.curation.card import data_card
from workbench.curation.config import BANDS, CurationConfig
from workbench.curation.contamination import HeldOut
from workbench.curation.filters import CountTokens, GradeAnswer, judge
from workbench.curation.funnel import CurationReport, composition, stages
from workbench.curation.selection import Choice, Scores, objective, score, select
from workbench.errors import InputError
from workbench.files import atomic_path, file_hash, text_hash, write_text
from workbench.records import Problem, Reader, Trace, read_records, write_records

Progress = Callable[[Iterable[Any], int | None, str], Iterable[Any]]
"""Wraps an iterable to show how far it is: items, their number if known, and a label."""


def curate(
    pool: Path | str, out: Path | str, config: CurationConfig, *,
    held_out: Iterable[Problem] = (),
    count_tokens: CountTokens | None = None,
    grade_answer: GradeAnswer | None = None,
    progress: Progress | None = None,
) -> CurationReport:  # fmt: skip
    """Chooses ``config.size`` traces of a pool and writes them with a reason for every row.

    The pool is read twice, row by row; between the passes only light features stay in memory.

    Args:
        pool: a file of traces, see `workbench.records.read_records`.
        out: the folder that receives ``curated.jsonl``, ``kept.parquet``, ``dropped.parquet``,
            ``funnel.json`` and ``README.md``. Equal input gives equal bytes in each.
        config: size, seed, limits and weights.
        held_out: problems whose questions must not be learnt.
        count_tokens: the student's tokens in a text; estimated from its bytes where absent.
        grade_answer: judges the answers that do not equal the reference letter by letter.
        progress: wraps the three long loops.

    Raises:
        InputError: where the pool holds no trace, or no trace survives the filters.
    """
    pool, out = Path(pool), Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder to write into")
    if pool.resolve() == (out / "curated.jsonl").resolve():
        raise InputError(f"{pool} would be overwritten by its own selection; choose another --out")
    show = progress or (lambda items, total, label: items)
    index, reader = HeldOut.of(held_out), _reader(pool, out)
    rows = _read(show(reader, None, "reading"), config, index, count_tokens, grade_answer)
    _drop_duplicates(rows)
    _drop_copies(rows, index, config)
    survivors = [row for row in rows if not row.stage]
    if not survivors:
        raise InputError(_nothing_left(pool, rows))
    scores = score(survivors)
    choices = select(survivors, scores, config, lambda ranks: show(ranks, len(ranks), "selecting"))
    kept = _drop_unchosen(survivors, choices, config)
    report = _report(pool, out, config, reader, rows, survivors, scores, choices, bool(index.equal))
    traces = show(_traces(reader, kept), len(kept), "writing")
    _write(report, traces, rows, survivors, scores, choices)
    return report


def _reader(pool: Path, out: Path) -> Reader[Trace]:
    return read_records(pool, Trace, rejected=out / "curated.rejected.jsonl")


def _read(
    traces: Iterable[Trace], config: CurationConfig, held_out: HeldOut, count_tokens: CountTokens | None,
    grade_answer: GradeAnswer | None,
) -> list[Candidate]:  # fmt: skip
    rows = []
    for index, trace in enumerate(traces):
        row = candidate(index, trace)
        judgement = judge(trace, config, count_tokens, grade_answer)
        if judgement.defect:
            row.drop("filters", judgement.defect.reason, judgement.defect.detail)
        else:
            describe(row, trace, judgement.is_verified, held_out)
        rows.append(row)
    return rows


def _drop_duplicates(rows: Sequence[Candidate]) -> None:
    """Of equal questions the verified, checked, shortest trace stays; the content's hash settles the rest."""
    best: dict[bytes, Candidate] = {}
    for row in rows:
        if row.stage:
            continue
        other = best.get(row.question_hash, row)
        better, worse = sorted((row, other), key=_worth)
        best[row.question_hash] = better
        if worse is not better:
            worse.drop("duplicates", "duplicate question")
    for row in rows:
        if row.stage == "duplicates":
            row.drop("duplicates", "duplicate question", f"of {best[row.question_hash].id}")


def _worth(row: Candidate) -> tuple[Any, ...]:
    return not row.is_verified, not row.has_check, row.length, row.content_hash, row.index


def _drop_copies(rows: Sequence[Candidate], held_out: HeldOut, config: CurationConfig) -> None:
    for row in rows:
        if not row.stage and row.question_hash in held_out.equal:
            row.drop("contamination", "held-out question", f"equals {held_out.equal[row.question_hash]}")
    left = [row for row in rows if not row.stage]
    copies = held_out.copies(left, config.overlap_share)
    for row in left:
        if row.index in copies:
            name, share = copies[row.index]
            row.drop("contamination", "held-out overlap", f"covers {share:.0%} of {name}")


def _drop_unchosen(survivors: Sequence[Candidate], choices: Sequence[Choice], config: CurationConfig) -> set[int]:
    kept = {survivors[choice.place].index for choice in choices}
    sizes: dict[tuple[str, str], int] = {}
    for choice in choices:
        sizes[choice.quota] = sizes.get(choice.quota, 0) + 1
    for row in survivors:
        if row.index not in kept:
            size = sizes.get((row.domain, row.source), 0)
            row.drop("selection", "not selected", f"its source's quota of {size} went to rows of larger gain")
    return kept


def _nothing_left(pool: Path, rows: Sequence[Candidate]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        name = row.defect.reason if row.defect else ""
        counts[name] = counts.get(name, 0) + 1
    reason, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    example = next(row for row in rows if row.defect and row.defect.reason == reason)
    detail = f" ({example.defect.detail})" if example.defect and example.defect.detail else ""
    return (
        f"{pool}: no trace survives; {count:,} of {len(rows):,} are dropped for {reason!r}{detail}; mend or relax that"
    )


def _report(
    pool: Path, out: Path, config: CurationConfig, reader: Reader[Trace], rows: Sequence[Candidate],
    survivors: Sequence[Candidate], scores: Scores, choices: Sequence[Choice], has_held_out: bool,
) -> CurationReport:  # fmt: skip
    places = [choice.place for choice in choices]
    order = sorted(range(len(survivors)), key=lambda place: text_hash(survivors[place].content_hash, place))
    drawn = random.Random(config.seed).sample(order, len(places))
    selected, at_random = (
        composition(survivors, scores, some, objective(survivors, scores, config, some)) for some in (places, drawn)
    )
    return CurationReport(
        pool=pool, out=out, config=config, read=len(rows), rejected=reader.rejected, kept=len(places),
        stages=stages(len(rows), (row for row in rows if row.stage)),
        survivors=composition(survivors, scores, range(len(survivors))), selected=selected, random=at_random,
        warnings=tuple(_warnings(reader, config, selected.domains, len(survivors), has_held_out)),
    )  # fmt: skip


def _warnings(
    reader: Reader[Trace], config: CurationConfig, domains: dict[str, int], survivors: int, has_held_out: bool
) -> Iterator[str]:
    if reader.rejected:
        total, first = reader.read + reader.rejected, reader.examples[0]
        yield f"{reader.rejected:,} of {total:,} lines could not be read; line {first.line}: {first.reason}"
    if survivors < config.size:
        yield f"{config.size:,} traces were asked for and {survivors:,} survive: all of them are kept"
    short = [name for name, count in domains.items() if count < config.size // len(domains)]
    if short and survivors > config.size:
        yield f"too few rows for an even share in {', '.join(short)}: the other domains filled in"
    if not has_held_out:
        yield "no held-out problems were given: nothing was checked for contamination"


def _traces(reader: Reader[Trace], kept: set[int]) -> Iterator[Trace]:
    return (trace for index, trace in enumerate(reader) if index in kept)


def _write(
    report: CurationReport, traces: Iterable[Trace], rows: Sequence[Candidate], survivors: Sequence[Candidate],
    scores: Scores, choices: Sequence[Choice],
) -> None:  # fmt: skip
    write_records(report.curated_path, traces)
    _write_table(report.dropped_path, _dropped_columns([row for row in rows if row.stage]))
    _write_table(report.kept_path, _kept_columns(survivors, scores, choices))
    kept = [survivors[choice.place] for choice in choices]
    write_text(report.out / "README.md", data_card(report, kept, file_hash(report.pool)))
    # The funnel comes last: where it lies, the folder is whole.
    write_text(report.funnel_path, msgspec.json.format(msgspec.json.encode(report.to_dict())).decode() + "\n")


def _dropped_columns(rows: Sequence[Candidate]) -> dict[str, Sequence[Any]]:
    columns = {name: [getattr(row, name) for row in rows] for name in ("id", "problem_id", "domain", "source", "stage")}
    columns["reason"] = [row.defect.reason if row.defect else "" for row in rows]
    columns["detail"] = [row.defect.detail if row.defect else "" for row in rows]
    return {name: pa.array(values, pa.string()) for name, values in columns.items()}


def _kept_columns(
    survivors: Sequence[Candidate], scores: Scores, choices: Sequence[Choice]
) -> dict[str, Sequence[Any]]:
    places = [choice.place for choice in choices]
    rows = [survivors[place] for place in places]
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(row, name) for row in rows] for name in ("id", "problem_id", "domain", "source")
    }
    columns["rank"] = [choice.rank for choice in choices]
    columns["quota"] = ["/".join(choice.quota) for choice in choices]
    columns["band"] = [BANDS[scores.band[place]] for place in places]
    columns["difficulty"] = [float(scores.difficulty[place]) for place in places]
    for name in ("difficulty", "diversity", "quality"):
        columns[f"{name}_gain"] = [getattr(choice, name) for choice in choices]
    columns["reason"] = [choice.reason for choice in choices]
    return columns


def _write_table(path: Path, columns: dict[str, Sequence[Any]]) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
