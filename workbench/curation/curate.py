"""From a pool of traces to the few that are worth learning from."""

from __future__ import annotations

import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from workbench.curation.columns import Columns
from workbench.curation.config import CurationConfig
from workbench.curation.contamination import SPAN, Judgement
from workbench.curation.decontamination import Decontamination, decontamination
from workbench.curation.difficulty import Ints, difficulty
from workbench.curation.duplicates import drop_equal
from workbench.curation.filters import CountTokens, GradeAnswer
from workbench.curation.funnel import CurationReport, composition, filter_steps, stages
from workbench.curation.greedy import Selector
from workbench.curation.held_out import HeldOut, HeldOutSet
from workbench.curation.near import drop_near
from workbench.curation.proposing import Candidates, NotRun, look_at_meaning, proposed
from workbench.curation.reading import Judge, Pool, chosen_traces, read_pool
from workbench.curation.scores import Scores, score
from workbench.curation.selection import Choice, choices, selector
from workbench.curation.semantic import Embed
from workbench.curation.spill import Spill
from workbench.curation.strategies import S1_STAND_IN, choose, random_draw
from workbench.curation.suitability import ReadTraces, StudentScores, predicted, sample_rows
from workbench.curation.survivors import Survivors
from workbench.curation.text import words
from workbench.curation.verdicts import STAGES, Verdicts
from workbench.curation.writing import write_folder
from workbench.errors import InputError
from workbench.files import existing_file
from workbench.records import FileRows, Problem, Trace, rejected_rows

Progress = Callable[[Iterable[Any], int | None, str], Iterable[Any]]
"""Wraps an iterable to show how far it is: items, their number if known, and a label."""


def curate(
    pool: Path | str, out: Path | str, config: CurationConfig, *,
    held_out: Iterable[Problem | HeldOutSet] = (),
    count_tokens: CountTokens | None = None,
    grade_answer: GradeAnswer | None = None,
    read_traces: ReadTraces | None = None,
    embed: Embed | NotRun | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> CurationReport:  # fmt: skip
    """Chooses ``config.size`` traces of a pool and writes them with a reason for every row.

    The pool is read twice, row by row; between the passes only light features stay in memory.

    Args:
        pool: a file of traces, see `workbench.records.read_records`.
        out: the folder that receives ``curated.jsonl``, ``kept.parquet``, ``dropped.parquet``,
            ``survivors.parquet``, ``funnel.json`` and ``README.md``. Equal input gives equal bytes in each.
        config: size, seed, limits and weights.
        held_out: problems whose questions must not be learnt, alone or as named sets; a set that is missing is
            reported as not checked.
        count_tokens: the student's tokens in a text; estimated from its bytes where absent.
        grade_answer: judges the answers that do not equal the reference letter by letter.
        read_traces: what the student says of some survivors; without it nothing depends on the student.
        embed: vectors of texts, by which questions in other words are found; without it, or with the reason why it is
            missing, meaning is not looked at.
        progress: wraps the three long loops.
        workers: processes that judge rows; the files do not depend on it. Scripts that ask for more than one need the
            usual ``if __name__ == "__main__"``.

    Raises:
        InputError: where the pool holds no trace, or no trace survives the filters.
    """
    pool, out = Path(pool), Path(out)
    _check_paths(pool, out)
    show = progress or (lambda items, total, label: items)
    judge_with = Judge(config, HeldOut.of(held_out), count_tokens, grade_answer)
    rows = FileRows(existing_file(pool))
    with tempfile.TemporaryDirectory(prefix="curate-") as folder, Spill(Path(folder)) as spill:
        with rejected_rows(out / "curated.rejected.jsonl") as reject:
            reading = read_pool(rows, judge_with, spill, Path(folder), workers, reject)
            found = _last(show(_by_row(reading), None, "reading"))

        def read_again(indices: Ints) -> Iterator[Trace]:
            return chosen_traces(rows, spill.take(indices.tolist()))

        chosen = _chosen(found, judge_with, read_again, read_traces, embed, show)
        if chosen is None:
            raise InputError(_nothing_left(pool, found.verdicts, spill))
        checked = decontamination(judge_with.held_out, found.verdicts, spill)
        report = _report(pool, out, config, found, chosen, checked)
        traces = show(read_again(chosen.kept), len(chosen.kept), "writing")
        write_folder(report, traces, chosen.eligible, chosen.choices, found.verdicts, spill)
    return report


ReadAgain = Callable[[Ints], Iterator[Trace]]
"""Yields the traces of some rows, by their index in the pool."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What could be kept, and what was."""

    eligible: Survivors
    """The rows that were chosen among."""
    whole: Survivors
    """All survivors, those that were not proposed included: what the choice is measured against."""
    joint: Selector
    """Over all survivors."""
    choices: list[Choice]
    student: StudentScores | None
    semantic: dict[str, Any]
    """What the semantic stage did."""

    @property
    def kept(self) -> Ints:
        """Indices in the pool, rising."""
        return np.sort(self.eligible.rows.index[self.eligible.kept])


def _chosen(
    found: Pool, judge_with: Judge, read_again: ReadAgain, read_traces: ReadTraces | None,
    embed: Embed | NotRun | None, show: Progress,
) -> _Chosen | None:  # fmt: skip
    """Scores the survivors and chooses among them; ``None`` where there are none."""
    config, verdicts = judge_with.config, found.verdicts
    survivors = _survivors(found, judge_with)
    if not len(survivors):
        return None
    student = _student_scores(survivors, config, read_again, read_traces) if read_traces else None
    scores = score(survivors, student.suitability(), student.pass_rate) if student else score(survivors)
    candidates = _candidates(survivors, scores, found, judge_with, read_again, embed)
    if not len(candidates.places):
        return None
    rows = survivors.take(candidates.places)
    joint = selector(rows, candidates.scores, config)
    selection = choose(rows, candidates.scores, config, joint, lambda turns: show(turns, len(turns), "selecting"))
    eligible = Survivors(rows, candidates.scores, selection.places_K)
    whole = _whole(survivors, scores, eligible, verdicts)
    if whole is not eligible:
        joint = selector(whole.rows, whole.scores, config)
    chosen = _Chosen(eligible, whole, joint, choices(rows, selection), student, candidates.summary)
    verdicts.drop_all(np.setdiff1d(whole.rows.index, chosen.kept), "selection", "not selected")
    return chosen


def _check_paths(pool: Path, out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder to write into")
    if pool.resolve() == (out / "curated.jsonl").resolve():
        raise InputError(f"{pool} would be overwritten by its own selection; choose another --out")


def _candidates(
    survivors: Columns, scores: Scores, found: Pool, judge_with: Judge, read_again: ReadAgain,
    embed: Embed | NotRun | None,
) -> Candidates:  # fmt: skip
    """What the choice is made from: all survivors, or those whose meaning was looked at."""
    if embed is None or isinstance(embed, NotRun):
        summary = {"not_run": embed.reason} if embed else {}
        return Candidates(np.arange(len(survivors)), scores, summary)
    config = judge_with.config
    places = proposed(survivors, scores, config)
    traces = list(read_again(survivors.index[places]))
    return look_at_meaning(
        survivors, scores, places, traces, judge_with.held_out, embed, found.neighbours, found.verdicts, config.seed
    )


def _whole(survivors: Columns, scores: Scores, known: Survivors, verdicts: Verdicts) -> Survivors:
    """All survivors, with those that were not proposed: what the choice is measured against."""
    left = np.flatnonzero(verdicts.left(survivors.index))
    if len(left) == len(known):
        return known
    rows = survivors.take(left)
    return Survivors(rows, scores.take(left), np.searchsorted(rows.index, known.rows.index[known.kept]))


def _student_scores(
    survivors: Columns, config: CurationConfig, read_again: ReadAgain, read_traces: ReadTraces
) -> StudentScores:
    """Lets the student read a sample of the survivors, or all, and predicts the rest."""
    hardness, bands = difficulty(survivors)
    size = min(config.student_sample or len(survivors), len(survivors))
    places = sample_rows(survivors, bands, size, config.seed)
    return predicted(survivors, hardness, places, read_traces(list(read_again(survivors.index[places]))), config.seed)


def _by_row(reading: Iterator[Pool]) -> Iterator[Pool]:
    """Yields the pool once per row that was read, so that progress counts rows."""
    before = 0
    for pool in reading:
        yield from repeat(pool, pool.read - before)
        before = pool.read


def _last(pools: Iterable[Pool]) -> Pool:
    return deque(pools, maxlen=1)[0]


def _survivors(pool: Pool, judge_with: Judge) -> Columns:
    """Returns the sound rows that neither repeat another nor copy a held-out question.

    Copies of held-out questions go before near duplicates, so that none of them hides as another one's duplicate.
    """
    config, verdicts = judge_with.config, pool.verdicts
    drop_equal(pool.sound, verdicts)
    _drop_copies(pool, judge_with)
    places = np.flatnonzero(verdicts.left(pool.sound.index))
    drop_near(pool.sound.take(places), pool.table, places, pool.neighbours, verdicts, config.near_overlap)
    return pool.sound.take(np.flatnonzero(verdicts.left(pool.sound.index)))


def _drop_copies(pool: Pool, judge_with: Judge) -> None:
    equal, verdicts = judge_with.held_out.equal, pool.verdicts
    rows = pool.sound.take(np.flatnonzero(verdicts.left(pool.sound.index)))
    for index, key in zip(rows.index.tolist(), rows.question_hash.astype(">u8"), strict=True):
        if name := equal.get(key.tobytes()):
            verdicts.drop(index, "contamination", "held-out question", f"equals {name}")
            same = " ".join(words(judge_with.held_out.texts[name]))[:SPAN]
            verdicts.match(index, same, same, name)
    left = rows.index[verdicts.left(rows.index)].tolist()
    suspects = {index: pool.suspects[index] for index in left if index in pool.suspects}
    judgement = Judgement(judge_with.held_out, pool.gram_counts, pool.neighbours, judge_with.config.overlap_share)
    for index, copy in judgement.copies(suspects).items():
        verdicts.drop(index, "contamination", copy.reason, f"covers {copy.share:.0%} of {copy.original}")
        verdicts.match(index, copy.matched, copy.matched_original, copy.original)


def _nothing_left(pool: Path, verdicts: Verdicts, spill: Spill) -> str:
    counts = sum((verdicts.counts(stage) for stage in STAGES), Counter())
    reason, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    example = next(index for index in verdicts.dropped.tolist() if verdicts.reason(index) == reason)
    detail = spill.take([example])[0]["detail"] or verdicts.detail(example)
    return (
        f"{pool}: no trace survives; {count:,} of {len(verdicts):,} are dropped for {reason!r}"
        f"{f' ({detail})' if detail else ''}; mend or relax that"
    )


def _report(
    pool: Path, out: Path, config: CurationConfig, found: Pool, chosen: _Chosen, checked: Decontamination
) -> CurationReport:
    survivors, scores, places = chosen.whole.rows, chosen.whole.scores, chosen.whole.kept
    drawn = random_draw(survivors, len(places), config.seed)
    selected, at_random = (
        composition(survivors, scores, some.tolist(), chosen.joint.value(some, config.weights).value)
        for some in (places, drawn)
    )
    return CurationReport(
        pool=pool, out=out, config=config, read=len(found.verdicts), rejected=found.rejected, kept=len(places),
        stages=stages(found.verdicts, has_semantic="proposed" in chosen.semantic), semantic=chosen.semantic or None,
        filters=filter_steps(found.verdicts, config.filters), contamination=checked,
        survivors=composition(survivors, scores, range(len(survivors))), selected=selected, random=at_random,
        student=chosen.student.summary() if chosen.student else None,
        warnings=tuple(_warnings(found, config, selected.domains, chosen, bool(checked.checked))),
    )  # fmt: skip


def _warnings(
    found: Pool, config: CurationConfig, domains: dict[str, int], chosen: _Chosen, has_held_out: bool
) -> Iterator[str]:
    if found.rejected:
        total, first = found.read + found.rejected, found.examples[0]
        yield f"{found.rejected:,} of {total:,} lines could not be read; line {first.line}: {first.reason}"
    survivors, rates = len(chosen.whole), chosen.whole.scores.pass_rate
    if survivors < config.size:
        yield f"{config.size:,} traces were asked for and {survivors:,} survive: all of them are kept"
    short = [name for name, count in domains.items() if count < config.size // len(domains)]
    if short and survivors > config.size:
        yield f"too few rows for an even share in {', '.join(short)}: the other domains filled in"
    if config.strategy == "s1" and (rates is None or not (rates == 0).any()):
        yield S1_STAND_IN
    if not has_held_out:
        yield "no held-out problems were given: nothing was checked for contamination"
    if reason := chosen.semantic.get("not_run"):
        yield f"semantic stage not run: {reason}"
