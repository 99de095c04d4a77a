"""What the command line, the notebooks and the demo share: each stage from files to files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from workbench.acceleration import why_not_unsloth
from workbench.benchmarks import known_sets, named_sets
from workbench.curation import CurationConfig, CurationReport, Embed, HeldOutSet, NotRun, ReadTraces, curate
from workbench.distillation import DistillConfig, Distilled, distill, encode_traces
from workbench.errors import InputError
from workbench.estimates import decode_seconds, distill_seconds
from workbench.evaluation import (
    BASE,
    STUDENT,
    Arm,
    DecodingConfig,
    Outcome,
    answer_problems,
    arm_costs,
    estimate,
    family_rows,
    format_rate,
    gain,
    gap_closed,
    grade_arms,
)
from workbench.files import existing_file, write_text
from workbench.grading import grade_answer
from workbench.inference import Engine, Request, Sampling, TextStream
from workbench.interventions import Guidance
from workbench.pool import core_families, embedded_problems, unseen_families, worked_answer
from workbench.profiles import Profile
from workbench.profiles import profile as find_profile
from workbench.progress import duration, track
from workbench.records import Completion, Problem, Trace, read_records, write_records
from workbench.scoring import StudentReader
from workbench.students import Prompter, Student, load_student, load_tokenizer
from workbench.students.embedding import embedder_folder, fetched_embedder, load_embedder
from workbench.taught import read_record, untaught, write_record

Score = Literal["none", "sample", "all"]
"""Which survivors of a curation its student reads."""
Semantic = Literal["auto", "on", "off"]
Say = Callable[[str], None]
"""Takes one line for people."""

BENCHMARKS = {"embedded": "test", "embedded-dev": "dev", "embedded-all": "test", "embedded-all-dev": "dev"}
"""Names of the embedded benchmarks and the split each one is; choose on ``dev``, report on ``test``.

The first two have the families of the demo, which the shipped student was taught, the others all of them.
"""
SMALL_POOL = 2 * 2**20
"""Bytes of a pool below which starting processes takes longer than it saves."""
MOST_WORKERS = 8
MOST_PER_FAMILY = 100
"""Problems of a family in an embedded benchmark, at most: curation keeps so many out of training."""


def held_out_problems(seed: int) -> list[Problem]:
    """Returns what curation must keep out of training: all embedded benchmarks, at their largest size.

    A benchmark of fewer problems per family is the beginning of a larger one.
    """
    wholes = ("embedded-all", "embedded-all-dev")
    return [problem for name in wholes for problem in benchmark(name, seed, MOST_PER_FAMILY)]


def held_out_sets(seed: int, given: Sequence[str | Path] = ()) -> list[HeldOutSet]:
    """Returns the embedded benchmarks, what was named, and every other known benchmark, checked or missing.

    Args:
        seed: of the embedded benchmarks.
        given: files, folders and ``hf:ID``; see `workbench.benchmarks.named_sets`.

    Raises:
        InputError: where one of ``given`` cannot be read.
    """
    named = named_sets(given)
    return [HeldOutSet(name="embedded benchmarks", problems=held_out_problems(seed)), *named, *known_sets(named)]


def benchmark(name: str, seed: int, per_family: int) -> list[Problem]:
    """Returns the problems of an embedded benchmark, or of a file.

    Raises:
        InputError: where the file is missing, or none of its problems has an answer.
    """
    if name in BENCHMARKS:
        if not 1 <= per_family <= MOST_PER_FAMILY:
            raise InputError(f"per_family={per_family} must lie between 1 and {MOST_PER_FAMILY}")
        families = None if "all" in name else core_families()
        return embedded_problems("dev" if BENCHMARKS[name] == "dev" else "test", per_family, seed, families)
    if not Path(name).exists():
        raise InputError(f"no benchmark {name!r}: it is no file, and the embedded ones are {', '.join(BENCHMARKS)}")
    problems = list(read_records(Path(name), Problem))
    if not any(problem.answer is not None for problem in problems):
        raise InputError(f"{name}: no problem has a reference answer, so nothing can be graded")
    return problems


def curation_workers(pool: Path) -> int:
    """Returns how many processes suit the curation of a pool on this machine: one for what is read in seconds."""
    is_small = not pool.exists() or pool.stat().st_size < SMALL_POOL
    return 1 if is_small else min(os.cpu_count() or 1, MOST_WORKERS)


def curate_pool(
    pool: Path,
    out: Path,
    config: CurationConfig,
    *,
    student: str,
    held_out: Iterable[Problem | HeldOutSet] = (),
    read_traces: ReadTraces | None = None,
    embed: Embed | NotRun | None = None,
    workers: int = 1,
) -> CurationReport:
    """Curates a pool, counting tokens as the student does and verifying every answer.

    Args:
        pool: a file of traces.
        out: the folder to write.
        config: see its fields.
        student: whose tokens count.
        held_out: problems to keep out of training; see `held_out_sets`.
        read_traces: the student's judgement, from `student_reader`; without it suitability does not count.
        embed: from `sentence_embedder`; without it the meaning of questions is not looked at.
        workers: processes that judge rows, see `curation_workers`. With more than one a script needs the usual
            ``if __name__ == "__main__"``; the files do not depend on it.
    """
    prompter = Prompter(load_tokenizer(student))
    return curate(
        pool,
        out,
        config,
        held_out=held_out,
        count_tokens=prompter.count,
        grade_answer=grade_answer,
        read_traces=read_traces,
        embed=embed,
        workers=workers,
        progress=lambda items, total, label: track(items, total, f"curate: {label}"),
    )


def sentence_embedder(semantic: Semantic) -> Embed | NotRun | None:
    """Returns what looks at the meaning of questions, ``None`` where that is off.

    Args:
        semantic: ``on`` fetches the weights where they are missing; ``auto`` does without them then, and says so.

    Raises:
        StudentError: where they are wanted and cannot be had.
    """
    if semantic == "off":
        return None
    folder = fetched_embedder() if semantic == "on" else embedder_folder()
    if folder is None:
        return NotRun("the sentence embedder is not on this computer; --semantic on (semantic='on') fetches it, 83 MB")
    return load_embedder(folder, track)


def student_sample(score: Score) -> int:
    """Returns how many survivors the student reads, as `workbench.curation.CurationConfig` counts them; 0 is all."""
    return 0 if score == "all" else CurationConfig().student_sample


def student_reader(score: Score, name: str, profile: str, say: Say, *, tries: int = 0) -> StudentReader | None:
    """Returns what lets a student judge the traces that curation shows it, if it is to judge; see `StudentReader`."""
    if score == "none":
        return None
    student = load_student(name, **find_profile(profile).loading)
    say(student.source.origin)
    return StudentReader(student, say, track, tries)


def trainable(name: str, machine: Profile, say: Say) -> Student:
    """Loads a base student for training: with Unsloth where the profile wants it and it can run."""
    if machine.backend == "unsloth":
        reason = why_not_unsloth()
        if not reason:
            return load_student(name, **machine.loading, backend="unsloth", bits=machine.bits)
        say(f"trained by transformers and PEFT: {reason}")
    return load_student(name, **machine.loading)


def distill_traces(traces: Path, student: Student, out: Path, config: DistillConfig, say: Say) -> Distilled:
    """Distils a file of traces, or a folder that `curate_pool` wrote, into a student.

    Args:
        traces: the file or folder.
        student: a base student.
        out: the folder to write.
        config: see its fields.
        say: is told what will be done and how long it will take.
    """
    file = traces / "curated.jsonl" if traces.is_dir() else traces
    records = list(read_records(existing_file(file), Trace))
    examples = encode_traces(records, student, config.max_tokens)
    expected = distill_seconds(student, examples, config)
    left_out = f" ({len(records) - len(examples):,} longer ones left out)" if len(examples) < len(records) else ""
    say(f"{len(examples):,} traces{left_out}, {config.epochs} epochs: about {duration(expected)}")
    settings = {name: getattr(config, name) for name in ("budget", "epochs", "batch_size", "learning_rate", "seed")}
    before = read_record(student)
    made = distill(records, student, out, config, track)
    write_record(out, records, settings, before)
    return made


def untaught_problems(student: Student, problems: Sequence[Problem], say: Say) -> list[Problem]:
    """Leaves out what a student was taught, and says so.

    Raises:
        InputError: where nothing is left.
    """
    left = untaught(student, problems)
    if len(left) < len(problems):
        say(f"{len(problems) - len(left):,} of {len(problems):,} problems were taught to {student.name}: left out")
    return left


def answer(
    question: str,
    student: Student,
    guidance: Guidance | None = None,
    *,
    max_tokens: int,
    sampling: Sampling | None = None,
    watch: Say | None = None,
) -> Completion:
    """Answers one question.

    Args:
        question: any text.
        student: as it is: an adapter works unless it is switched off.
        guidance: who may step in.
        max_tokens: of the answer, at most.
        sampling: greedy by default.
        watch: is told the answer piece by piece as it is written.

    Raises:
        InputError: where the question is empty, too long, or no text that the student can read.
    """
    request = Request(problem_id="question", question=question, max_tokens=max_tokens, steering=guidance)
    text, ids = TextStream(student.prompter.decode), list[int]()
    for item in Engine(student, slots=1, sampling=sampling).stream([request]):
        if item.sample != request.sample:
            continue  # a branch, which is another answer
        if isinstance(item, Completion):
            completion = item
        elif watch:
            if item.position < len(ids):
                text = TextStream(student.prompter.decode)
                watch("\n" + text.push(*ids[: item.position]))
            ids[item.position :] = [item.token_id]
            watch(text.push(item.token_id))
    if completion.error:
        raise InputError(completion.error)
    if watch:
        watch(text.flush())
    return completion


def arms(student: Student, guidance: Guidance | None = None) -> list[Arm]:
    """Returns base, student where there is an adapter, and a guided arm where there is guidance."""
    found = [BASE, STUDENT] if student.has_adapter else [BASE]
    if guidance:
        found.append(Arm("student_guided" if student.has_adapter else "base_guided", adapter=True, guidance=guidance))
    return found


def evaluate_arms(
    student: Student,
    problems: Sequence[Problem],
    arms: Sequence[Arm],
    config: DecodingConfig,
    out: Path,
    say: Say,
) -> list[Outcome]:
    """Answers and grades the problems in every arm; writes completions and ``evaluation.json``."""
    expected = decode_seconds(student, problems, len(arms), fast=config.fast)
    say(f"{len(problems):,} problems in {len(arms)} arms: about {duration(expected)}")
    completions = {
        arm.name: answer_problems(student, problems, arm, config, out / f"{arm.name}.jsonl", track) for arm in arms
    }
    errors = [completion for answers in completions.values() for completion in answers if completion.error]
    if errors:
        many = f"{len(errors):,} answers" if len(errors) > 1 else "1 answer"
        say(f"{many} could not be asked for, and counts as not right; {errors[0].problem_id}: {errors[0].error}")
    outcomes = graded(problems, completions)
    write_text(
        out / "evaluation.json", json.dumps(evaluation(outcomes, [arm.name for arm in arms], config.seed), indent=1)
    )
    write_records(out / "problems.jsonl", problems)
    return outcomes


def graded(problems: Sequence[Problem], completions: Mapping[str, Sequence[Completion]]) -> list[Outcome]:
    """Grades every arm's completions; families that are held out whole are marked as unseen."""
    unseen = {family.name for family in unseen_families()}
    return grade_arms(problems, completions, lambda problem: problem.source in unseen)


def evaluation(outcomes: Sequence[Outcome], arms: Sequence[str], seed: int) -> dict[str, Any]:
    """Returns all that was measured: by arm, by family, seen and unseen apart.

    The first arm is the one that the others are compared with.
    """
    groups = {
        "all": list(outcomes),
        "seen": [outcome for outcome in outcomes if not outcome.unseen],
        "unseen": [outcome for outcome in outcomes if outcome.unseen],
    }
    return {
        "schema": "workbench.evaluation/1",
        "groups": {name: _group(group, arms, seed) for name, group in groups.items() if group},
        "families": family_rows(outcomes, arms, seed),
        "costs": {arm: arm_costs(outcomes, arm) for arm in arms},
    }


def _group(outcomes: Sequence[Outcome], arms: Sequence[str], seed: int) -> dict[str, Any]:
    base, *others = arms
    teacher = _teacher_accuracy([outcome.problem for outcome in outcomes])
    accuracies = {arm: asdict(estimate(outcomes, arm)) for arm in arms}
    return {
        "problems": len(outcomes),
        "accuracy": accuracies,
        "teacher": teacher,
        "format": {arm: format_rate(outcomes, arm) for arm in arms},
        "gain": {arm: asdict(gain(outcomes, arm, base, seed)) for arm in others},
        "gap_closed": {arm: _closed(accuracies, base, arm, teacher) for arm in others},
    }


def _closed(accuracies: Mapping[str, Mapping[str, float]], base: str, arm: str, teacher: float | None) -> float | None:
    return None if teacher is None else gap_closed(accuracies[base]["value"], accuracies[arm]["value"], teacher)


def _teacher_accuracy(problems: Sequence[Problem]) -> float | None:
    """Solves the problems anew and grades the answers; ``None`` where some have no worked solution."""
    try:
        answers = [worked_answer(problem).answer or "" for problem in problems]
    except InputError:
        return None
    return sum(grade_answer(*pair).is_correct for pair in zip(problems, answers, strict=True)) / len(problems)
