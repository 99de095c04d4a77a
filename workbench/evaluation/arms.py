"""The arms of a comparison: the same problems, prompts and weights, answered in different ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError
from workbench.files import remove, storage_errors, text_hash
from workbench.inference import Engine, Request, Sampling
from workbench.interventions import Guidance
from workbench.progress import Track
from workbench.records import Completion, Problem, from_json, to_json, write_records
from workbench.students import Student


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering."""

    name: str
    """``base``, ``student`` or ``student_guided`` in the demo's tables."""
    adapter: bool
    """Whether the student's adapter is on."""
    guidance: Guidance | None = None


BASE = Arm("base", adapter=False)
STUDENT = Arm("student", adapter=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingConfig:
    """How answers are decoded."""

    max_tokens: int = 200
    """Tokens of an answer, at most."""
    slots: int = 96
    """Rows that are decoded together."""
    temperature: float = 0.0
    """0 is greedy."""
    seed: int = 0
    """Of the sampling noise."""
    fast: bool = False
    """In 8 bits on a CPU: several times faster, but not the same answers token for token."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.slots < 1:
            raise InputError(f"max_tokens={self.max_tokens} and slots={self.slots} must be at least 1")

    @property
    def sampling(self) -> Sampling:
        """The same as the engine takes it."""
        return Sampling(temperature=self.temperature, seed=self.seed)


def answer_problems(
    student: Student, problems: Sequence[Problem], arm: Arm, config: DecodingConfig, file: Path, track: Track
) -> list[Completion]:
    """Answers every problem in one arm; picks up where an interrupted run stopped.

    Finished answers are appended to a hidden file beside ``file`` as they come, and renamed to it
    when all are there.

    Args:
        student: with its adapter, unless the arm is without.
        problems: with distinct ids.
        arm: how to answer.
        config: see its fields.
        file: the JSONL file to write.
        track: progress.

    Returns:
        The completions in the problems' order.
    """
    partial = file.with_name(f".{file.stem}.{_key(student, problems, arm, config)}.jsonl")
    done = {completion.problem_id: completion for completion in _left_behind(partial)}
    missing = [problem for problem in problems if problem.id not in done]
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.writelines(to_json(completion) + b"\n" for completion in done.values())
            for completion in track(_answers(student, missing, arm, config), len(missing), arm.name):
                stream.write(to_json(completion) + b"\n")
                stream.flush()
                done[completion.problem_id] = completion
    ordered = [done[problem.id] for problem in problems]
    write_records(file, ordered)
    remove(partial)
    return ordered


def _key(student: Student, problems: Sequence[Problem], arm: Arm, config: DecodingConfig) -> str:
    """Tells whose answers a partial file holds, so that two students' are never mixed."""
    guidance = arm.guidance.to_dict() if arm.guidance else None
    return text_hash(student.fingerprint(), arm.name, guidance, config, *map(to_json, problems))[:12]


def _answers(student: Student, problems: Sequence[Problem], arm: Arm, config: DecodingConfig) -> Iterator[Completion]:
    requests = (
        Request(
            problem_id=problem.id,
            question=problem.question,
            max_tokens=config.max_tokens,
            arm=arm.name,
            adapter=arm.adapter,
            steering=arm.guidance,
        )
        # The longest first: short ones then fill the slots that free up towards the end.
        for problem in sorted(problems, key=lambda problem: (-len(problem.question), problem.id))
    )
    with student.merged() if arm.adapter else nullcontext():
        writer = student.quantized() if config.fast else student
        yield from Engine(writer, slots=config.slots, sampling=config.sampling).run(requests)


def _left_behind(partial: Path) -> Iterator[Completion]:
    """What an interrupted run left; its last line may be cut off."""
    if not partial.exists():
        return
    for line in partial.read_bytes().splitlines():
        try:
            yield from_json(Completion, line)
        except InputError:
            return
