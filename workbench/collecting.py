"""Collecting traces from a teacher, files to files; loads neither torch nor weights."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import cli
from workbench.errors import InputError
from workbench.files import existing_file, text_hash
from workbench.progress import Track, silent, track
from workbench.records import Problem, read_records, write_records
from workbench.teachers import (
    CollectConfig,
    Collected,
    Teacher,
    TeacherConfig,
    collect,
    ledger_path,
    open_teacher,
    plan,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Problems without those that are held out: gone through where they lie, and not held in memory."""

    source: Iterable[Problem]
    """Starts over when it is iterated again."""
    held_out: Callable[[Problem], bool]
    count: int

    def __iter__(self) -> Iterator[Problem]:
        return (problem for problem in self.source if not self.held_out(problem))

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, slots=True)
class Split:
    """Problems to ask the teacher for, and those kept from it to evaluate on."""

    asked: Asked
    held_out: list[Problem]
    warnings: list[str]


def collect_traces(
    problems: Path | str | Iterable[Problem],
    teacher: str | Teacher,
    out: Path | str,
    max_cost: float | None = None,
    *,
    samples: int = 1,
    holdout: int = 0,
    seed: int = 0,
    config: TeacherConfig | None = None,
    say: Callable[[str], None] = print,
    progress: Track = silent,
    **settings: Any,
) -> Collected:
    """Asks a teacher for the solutions of problems, and writes the traces; run again, it goes on.

    Args:
        problems: a file, a CSV for instance, or the problems.
        teacher: ``worked``, ``replay:FILE``, ``openai:MODEL``, ``anthropic:MODEL``, or one of your own.
        out: the file of traces; problems that are held out go to ``STEM.holdout.jsonl`` beside it.
        max_cost: US dollars that all runs into this file may cost together.
        samples: answers per problem.
        holdout: problems with a reference answer that are kept from the teacher, to evaluate on.
        seed: of the choice of these.
        config: how a teacher behind an API is asked.
        say: takes one line for people.
        progress: wraps the loop.
        **settings: other fields of `workbench.teachers.CollectConfig`.
    """
    out = Path(out)
    asked = CollectConfig(max_cost_usd=max_cost, samples=samples, **settings)
    opened = open_teacher(teacher, config) if isinstance(teacher, str) else teacher
    split = split_problems(problems, out, holdout, seed)
    for warning in split.warnings:
        say(warning)
    _write_held_out(split, out, say)
    return collect(split.asked, opened, out, asked, say=say, track=progress)


def split_problems(problems: Path | str | Iterable[Problem], out: Path, holdout: int, seed: int) -> Split:
    """Reads problems, and draws those that are kept from the teacher: a pure function of questions and seed.

    Problems with the question of a held-out one are held out with it.

    Raises:
        InputError: where ``out`` is the file itself, or too few problems have an answer to be graded by.
    """
    if holdout < 0:
        raise InputError(f"holdout={holdout} must be 0 or more")
    if not isinstance(problems, Path | str):
        return _split(list(problems), holdout, seed, [])
    source = existing_file(problems)
    if out.exists() and out.samefile(source):
        raise InputError(f"{out} is the file of problems; choose another --out")
    reader = read_records(source, Problem, rejected=out.with_name(f"{out.name.split('.')[0]}.rejected.jsonl"))
    for _ in reader:
        pass
    return _split(read_records(source, Problem), holdout, seed, reader.warnings())


def _split(problems: Iterable[Problem], holdout: int, seed: int, warnings: list[str]) -> Split:
    drawn = _drawn(problems, holdout, seed)

    def is_drawn(problem: Problem) -> bool:
        return bool(drawn) and _rank(problem, seed) in drawn

    held_out = [problem for problem in problems if is_drawn(problem) and _gradable(problem)] if drawn else []
    return Split(Asked(problems, is_drawn, sum(not is_drawn(problem) for problem in problems)), held_out, warnings)


def _drawn(problems: Iterable[Problem], holdout: int, seed: int) -> frozenset[str]:
    """The ranks of the questions that are held out: the smallest of those that have an answer."""
    if not holdout:
        return frozenset()
    if len(_smallest((_rank(problem, seed) for problem in problems), holdout + 1)) <= holdout:
        total = sum(1 for _ in problems)
        raise InputError(f"--holdout {holdout} leaves nothing to learn from: there are {total} problems")
    drawn = _smallest((_rank(problem, seed) for problem in problems if _gradable(problem)), holdout)
    if len(drawn) < holdout:
        raise InputError(f"--holdout {holdout} needs as many problems with an answer, and {len(drawn)} have one")
    return frozenset(drawn)


def _smallest(texts: Iterable[str], count: int) -> list[str]:
    """Returns the smallest different texts, at most ``count`` of them, and never holds more."""
    kept: list[str] = []
    for text in texts:
        place = bisect_left(kept, text)
        if place < count and kept[place : place + 1] != [text]:
            kept.insert(place, text)
            del kept[count:]
    return kept


def _rank(problem: Problem, seed: int) -> str:
    return text_hash(seed, " ".join("\n".join((problem.question, *(problem.choices or ()))).casefold().split()))


def _gradable(problem: Problem) -> bool:
    return bool((problem.answer or "").strip() or problem.metadata.get("constraints"))


def _write_held_out(split: Split, out: Path, say: Callable[[str], None]) -> None:
    path = held_out_path(out)
    if not split.held_out:
        if path.exists():
            raise InputError(
                f"{path} holds problems that are kept from the teacher: give --holdout again, or remove it"
            )
        return
    write_records(path, split.held_out)
    say(f"{len(split.held_out):,} problems are kept from the teacher, to evaluate on: {path}")


def held_out_path(out: Path) -> Path:
    """Returns where held-out problems go.

    >>> held_out_path(Path("own/traces.jsonl")).name
    'traces.holdout.jsonl'
    """
    return out.with_name(f"{out.name.split('.')[0]}.holdout.jsonl")


def collect_verb(options: cli.Collect) -> None:
    """Collects traces, or says what that would cost."""
    config = TeacherConfig(
        base_url=options.base_url,
        api=options.api,
        key_variable=options.key_variable,
        max_tokens=options.max_tokens,
        timeout_s=options.timeout,
        temperature=options.temperature,
        price_in=options.price_in,
        price_out=options.price_out,
        free=options.free,
        batch=options.batch,
    )
    if options.dry_run:
        _print_plan(options, config)
        return
    collected = collect_traces(
        options.problems,
        options.teacher,
        options.out,
        options.max_cost,
        samples=options.samples,
        holdout=options.holdout,
        seed=options.seed,
        config=config,
        say=cli.tell,
        progress=track,
        concurrency=options.concurrency,
        ask_again=options.ask_again,
        deadline_s=3 * options.timeout,
    )
    cli.show(collected.to_dict(), as_json=options.json, lines=collected.lines())


def _print_plan(options: cli.Collect, config: TeacherConfig) -> None:
    teacher = open_teacher(options.teacher, config, asks=False)
    split = split_problems(options.problems, options.out, options.holdout, options.seed)
    for warning in split.warnings:
        cli.tell(warning)
    collecting = CollectConfig(max_cost_usd=options.max_cost, samples=options.samples, ask_again=options.ask_again)
    planned = plan(split.asked, teacher, options.out, collecting)
    lines = planned.lines(teacher.name, options.max_cost)
    if teacher.price is None:
        lines = [f"{planned.calls:,} problems for {teacher.name}, which costs nothing"]
    elif ledger_path(options.out).exists():
        lines.append(f"answered before, and not asked again: see {ledger_path(options.out)}")
    cli.show(planned.to_dict(), as_json=options.json, lines=lines)
