"""From problems to a file of traces: asked, graded where the truth is known, and every one accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError, TeacherError
from workbench.files import atomic_path, remove
from workbench.grading import grade_answer
from workbench.progress import Track, silent
from workbench.records import Problem, Seen, Trace, write_records
from workbench.records.files import WRITABLE
from workbench.teachers.asking import CollectConfig, Collection
from workbench.teachers.batch_apis import batch_api
from workbench.teachers.batching import BatchCollection
from workbench.teachers.clients import ApiTeacher
from workbench.teachers.ledger import Ledger, ledger_path
from workbench.teachers.prices import NANO, dollars
from workbench.teachers.tasks import Estimate, Problems, Task, estimate, missing_tasks, tasks_of
from workbench.teachers.teacher import Reply, Teacher

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Collected:
    """What a collection came to."""

    out: Path
    teacher: str
    traces: int = 0
    correct: int = 0
    wrong: int = 0
    unverified: int = 0
    """Answers of which nobody knows whether they are right: the problem has no reference answer."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """Outcomes without a trace, and how many; each has its reason in `unanswered_path`."""
    calls: int = 0
    """Made by this run."""
    spent_usd: float = 0.0
    """By all runs of this collection."""
    stopped: str = ""
    """Why it ended before all was asked."""

    @property
    def unanswered_path(self) -> Path:
        """A line for every answer that is missing, with its reason; absent where none is."""
        return unanswered_path(self.out)

    def to_dict(self) -> dict[str, Any]:
        """Returns the counts as JSON values."""
        return {**asdict(self), "out": str(self.out), "unanswered": dict(self.unanswered)}

    def lines(self) -> list[str]:
        """Returns the counts for people."""
        graded = f"{self.correct:,} right, {self.wrong:,} wrong, {self.unverified:,} unverified"
        lines = [f"{self.out}: {self.traces:,} traces by {self.teacher} ({graded})"]
        if self.calls or self.spent_usd:
            lines.append(f"{self.calls:,} calls now, {dollars(round(self.spent_usd * NANO))} spent in all")
        if self.unanswered:
            counts = ", ".join(f"{count:,} {outcome}" for outcome, count in self.unanswered.items())
            lines.append(f"without a trace: {counts}; reasons: {self.unanswered_path}")
        return lines + ([f"stopped: {self.stopped}; raise it to go on where this ended"] if self.stopped else [])


def collect(
    problems: Problems,
    teacher: Teacher,
    out: Path,
    config: CollectConfig,
    *,
    say: Say = lambda line: None,
    track: Track = silent,
) -> Collected:
    """Asks a teacher for every problem and writes the traces; run again, it goes on where it stopped.

    Beside ``out`` lie ``STEM.unanswered.jsonl`` and, for teachers behind an API, ``STEM.ledger.sqlite`` with
    every call. The traces are made from the ledger: a reference answer that is added later is used at once,
    and costs nothing. Problems are gone through three times (to estimate, to ask, to write) and never held.

    Args:
        problems: with or without reference answers; a list, or anything else that can be gone through again.
        teacher: from `open_teacher`.
        out: the file of traces.
        config: see its fields.
        say: takes the estimate, one line each.
        track: progress.

    Raises:
        InputError: where the cap is missing or too low for a single call, or ``out`` belongs to another teacher.
        TeacherError: where all calls fail alike; what was answered before is written.
        StorageError: where the disk refuses, or another process collects into the same file.
    """
    collected = Collected(out=out, teacher=teacher.name)
    if not out.name.lower().endswith(WRITABLE):  # to be told before anything is paid for
        raise InputError(f"{out}: the name must end with one of {', '.join(WRITABLE)}")
    if teacher.price is None:
        _check_local(out)
        replies = _local_replies(track(problems, len(problems), "collect"), teacher, config.samples)
        _write(collected, replies)
        return _checked(collected)
    if config.max_cost_usd is None and (teacher.price.input_usd or teacher.price.output_usd):
        raise InputError(f"{teacher.name} costs money: say how much at most, such as --max-cost 1.50")
    with _opened(out, teacher) as ledger:
        return _collect_paid(problems, teacher, config, ledger, collected, say, track)


def plan(problems: Problems, teacher: Teacher, out: Path, config: CollectConfig) -> Estimate:
    """Returns what `collect` would still ask and what it may cost; asks nothing, and leaves no file behind."""
    if not ledger_path(out).exists() or teacher.price is None:
        return _estimate(problems, teacher, Ledger(None), config)
    with _opened(out, teacher) as ledger:
        return _estimate(problems, teacher, ledger, config)


def _estimate(problems: Problems, teacher: Teacher, ledger: Ledger, config: CollectConfig) -> Estimate:
    missing = missing_tasks(problems, teacher, ledger, samples=config.samples, ask_again=config.ask_again)
    return estimate(missing, teacher, ledger)


def unanswered_path(out: Path) -> Path:
    """Returns where the reasons of missing answers go.

    >>> unanswered_path(Path("own/traces.jsonl")).name
    'traces.unanswered.jsonl'
    """
    return out.with_name(f"{out.name.split('.')[0]}.unanswered.jsonl")


def _collect_paid(
    problems: Problems, teacher: Teacher, config: CollectConfig, ledger: Ledger, collected: Collected,
    say: Say, track: Track,
) -> Collected:  # fmt: skip
    if ledger.orphans:
        say(f"{ledger.orphans} calls were in flight when an earlier run died: they count as spent, and are made again")
    planned = _estimate(problems, teacher, ledger, config)
    if planned.calls:
        for line in planned.lines(teacher.name, config.max_cost_usd):
            say(line)
    collection = _collection(problems, teacher, config, ledger, say)
    try:
        for _ in track(collection.run(), planned.calls, "collect"):
            pass
    except KeyboardInterrupt:
        say(collection.farewell)
        collection.drain()
        raise
    finally:
        collection.close()
        collected.calls, collected.stopped = collection.calls, collection.stopped
        collected.spent_usd = (ledger.spent + ledger.reserved) / NANO
        tasks = tasks_of(problems, teacher, config.samples)
        _write(collected, _ledger_replies(tasks, ledger, collection.stopped or "interrupted"))
    if collection.is_broken:
        raise TeacherError(
            f"{teacher.name}: {collection.stopped}; {collected.traces:,} traces are kept in {collected.out}"
        )
    return _checked(collected)


def _collection(
    problems: Problems, teacher: Teacher, config: CollectConfig, ledger: Ledger, say: Say
) -> Collection | BatchCollection:
    def missing() -> Iterator[Task]:
        return missing_tasks(problems, teacher, ledger, samples=config.samples, ask_again=config.ask_again)

    api = batch_api(teacher)
    if api and isinstance(teacher, ApiTeacher):
        return BatchCollection(missing, teacher, api, ledger, config, say)
    if batches := ledger.open_batches():
        raise InputError(f"{len(batches)} batches of an earlier run are not fetched yet; give --batch to fetch them")
    return Collection(missing(), teacher, ledger, config)


def _checked(collected: Collected) -> Collected:
    """A file without a trace helps nobody.

    Raises:
        InputError: where there is none, with the most frequent reason.
    """
    if collected.traces:
        return collected
    if collected.stopped:
        raise InputError(f"no trace was collected: {collected.stopped}; raise it, or lower --max-tokens")
    (outcome, number), *_ = collected.unanswered.most_common(1) or [("asked", 0)]
    raise InputError(f"no trace was collected: {number:,} {outcome}; reasons: {collected.unanswered_path}")


@contextmanager
def _opened(out: Path, teacher: Teacher) -> Iterator[Ledger]:
    path = ledger_path(out)
    if out.exists() and not path.exists():
        raise InputError(f"{out} is there and has no ledger beside it; choose another --out, or move it away")
    ledger = Ledger(path)
    try:
        if others := [name for name in ledger.teachers() if name != teacher.identity]:
            raise InputError(f"{path} holds answers of {others[0]}; choose another --out for {teacher.identity}")
        yield ledger
    finally:
        ledger.close()


def _check_local(out: Path) -> None:
    if ledger_path(out).exists():
        raise InputError(f"{out} holds answers that were paid for ({ledger_path(out).name}); choose another --out")


def _local_replies(
    problems: Iterable[Problem], teacher: Teacher, samples: int
) -> Iterator[tuple[Problem, int, Reply | str]]:
    for problem in problems:
        for sample in range(samples):
            yield problem, sample, teacher.ask(problem, sample)


def _ledger_replies(tasks: Iterable[Task], ledger: Ledger, reason: str) -> Iterator[tuple[Problem, int, Reply | str]]:
    for task in tasks:
        found = ledger.reply(task.key)
        yield task.problem, task.sample, found[0] if found else reason


def _write(collected: Collected, replies: Iterable[tuple[Problem, int, Reply | str]]) -> None:
    """Writes the traces, and a line for every answer that is missing."""
    path = collected.unanswered_path
    with atomic_path(path) as temporary:
        with open(temporary, "wb") as missing:
            traces = _traces(collected, replies, missing)
            first = next(traces, None)
            if first is not None:
                write_records(collected.out, _chained(first, traces))
    if not collected.unanswered:
        remove(path)


def _chained(first: Trace, others: Iterator[Trace]) -> Iterator[Trace]:
    yield first
    yield from others


def _traces(collected: Collected, replies: Iterable[tuple[Problem, int, Reply | str]], missing: Any) -> Iterator[Trace]:
    names = Seen()
    for problem, sample, reply in replies:
        if isinstance(reply, Reply) and reply.outcome == "answered":
            trace = _trace(problem, sample, reply, _new_name(names, f"{problem.id}-{sample}"))
            collected.traces += 1
            counted = {True: "correct", False: "wrong", None: "unverified"}[trace.is_correct]
            setattr(collected, counted, getattr(collected, counted) + 1)
            yield trace
        else:
            outcome, reason, text = ("not asked", reply, "") if isinstance(reply, str) else (
                reply.outcome, reply.reason, reply.text)  # fmt: skip
            collected.unanswered[outcome] += 1
            line = {
                "schema": "workbench.unanswered/1", "problem_id": problem.id, "sample": sample, "outcome": outcome,
                "reason": reason, "question": problem.question, "text": text,
            }  # fmt: skip
            missing.write(msgspec.json.encode(line) + b"\n")


def _new_name(names: Seen, name: str) -> str:
    """Two problems of one id are still two problems."""
    return next(new for new in chain([name], (f"{name}-{place}" for place in count(2))) if not names.before(new))


def _trace(problem: Problem, sample: int, reply: Reply, name: str) -> Trace:
    usage = {**reply.usage}
    if reply.output_tokens is not None:
        usage |= {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
    return Trace(
        id=name,
        problem=problem,
        sample=sample,
        teacher=reply.teacher,
        model_version=reply.model_version,
        prompt_version=reply.prompt_version,
        created=reply.created,
        steps=reply.steps,
        reasoning=reply.reasoning,
        answer=reply.answer,
        usage=usage,
        is_correct=_is_correct(problem, reply),
    )


def _is_correct(problem: Problem, reply: Reply) -> bool | None:
    """Graded where the truth is known; a paid answer is never lost to a problem that cannot be graded."""
    try:
        grade = grade_answer(problem, reply.answer or "")
    except InputError:
        return reply.is_correct
    return reply.is_correct if grade.verdict == "ungraded" else grade.is_correct
