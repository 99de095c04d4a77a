"""The same question answered in every arm: recorded, or written at the same time from one set of weights.

Neither torch nor a problem generator is loaded before it is needed, so that a page of recorded
comparisons opens at once.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from workbench.errors import InputError
from workbench.grading import grade
from workbench.records import HEADINGS, Completion, Event, Grade, Problem, Trace, read_records
from workbench.shipped import COMPARISONS, shipped

if TYPE_CHECKING:
    from workbench.evaluation import Arm
    from workbench.inference import Written
    from workbench.interventions import Guidance
    from workbench.students import Student

ARMS = ("base", "base_guided", "student", "student_guided")
"""The arms of a comparison beside the teacher, in the order of the page."""
MOST_CHARACTERS = 4_000
"""Of a question that somebody types."""
MOST_REFERENCE_CHARACTERS = 400
"""Of the reference answer that may come with it."""
TYPED = "typed"
"""The id of a question that somebody typed."""

R = TypeVar("R", Problem, Trace, Completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one arm has written so far."""

    arm: str
    text: str = ""
    """Cut where it is safe to show: no torn character, no half of a heading."""
    token_ids: tuple[int, ...] = ()
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    """Since the question was asked; the arms share the machine."""
    completion: Completion | None = None
    """The whole, once it is finished."""
    grade: Grade | None = None
    """Of the completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A problem with the answers of its arms, each finished and graded."""

    problem: Problem
    teacher: Trace | None
    """``None`` where there is no worked solution."""
    completions: Mapping[str, Completion]
    """By arm, in the order of `ARMS`."""
    grades: Mapping[str, Grade]
    """By arm."""

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The same as the last snapshot of `compare`."""
        return tuple(_finished(completion, self.grades[arm]) for arm, completion in self.completions.items())


def _finished(completion: Completion, verdict: Grade) -> Draft:
    return Draft(
        arm=completion.arm,
        text=completion.text,
        token_ids=completion.token_ids,
        events=completion.events,
        seconds=completion.seconds,
        completion=completion,
        grade=verdict,
    )


def read_comparisons(folder: Path | str | None = None) -> tuple[Comparison, ...]:
    """Reads recorded comparisons.

    Args:
        folder: the ``evaluate`` folder of a run, or a copy of one; by default what comes with the
            workbench. Without a ``teacher.jsonl`` embedded problems are solved anew.

    Raises:
        InputError: naming the file, where one is missing, broken or lacks an answer.
        StorageError: where the installation lacks the shipped ones.
    """
    folder = Path(folder) if folder else shipped(COMPARISONS)
    problems = _read(folder / "problems.jsonl", Problem)
    found = [arm for arm in ARMS if (folder / f"{arm}.jsonl").exists()]
    if not found:
        raise InputError(f"{folder} has no answers: none of {', '.join(f'{arm}.jsonl' for arm in ARMS)}")
    arms = {arm: _by_problem(folder / f"{arm}.jsonl", problems) for arm in found}
    teacher = _teachers(folder / "teacher.jsonl", problems)
    return tuple(
        _compared(problem, teacher.get(problem.id), {arm: answers[problem.id] for arm, answers in arms.items()})
        for problem in problems
    )


def _compared(problem: Problem, teacher: Trace | None, completions: Mapping[str, Completion]) -> Comparison:
    grades = {arm: grade(problem, completion.text) for arm, completion in completions.items()}
    return Comparison(problem=problem, teacher=teacher, completions=completions, grades=grades)


def _read(file: Path, kind: type[R]) -> list[R]:
    reader = read_records(file, kind)
    records: list[R] = list(reader)
    if reader.rejected:
        raise InputError(reader.warnings()[0])
    return records


def _by_problem(file: Path, problems: Sequence[Problem]) -> dict[str, Completion]:
    answers = {answer.problem_id: replace(answer, arm=file.stem) for answer in _read(file, Completion)}
    missing = next((problem.id for problem in problems if problem.id not in answers), None)
    if missing is not None:
        raise InputError(f"{file} has no answer to problem {missing!r} of problems.jsonl; record the comparison again")
    return answers


def _teachers(file: Path, problems: Sequence[Problem]) -> dict[str, Trace]:
    if file.exists():
        return {trace.problem.id: trace for trace in _read(file, Trace)}
    worked = ((problem.id, worked_solution(problem)) for problem in problems)
    return {name: trace for name, trace in worked if trace}


def worked_solution(problem: Problem) -> Trace | None:
    """Returns the worked solution of an embedded problem; ``None`` for any other."""
    from workbench.pool import worked_answer

    try:
        return worked_answer(problem)
    except Exception:  # a problem that only bears a family's name can fail its solver in any way
        return None


def typed_problem(question: str, reference: str = "") -> Problem:
    """Returns what somebody typed as a problem.

    Args:
        question: any text.
        reference: the right answer, where it is known; without one answers are ungraded.

    Raises:
        InputError: where the question is empty, or either is too long.
    """
    if not question.strip():
        raise InputError("the question is empty; type one, or choose a problem")
    for name, text, most in (
        ("question", question, MOST_CHARACTERS),
        ("reference answer", reference, MOST_REFERENCE_CHARACTERS),
    ):
        if len(text) > most:
            raise InputError(f"the {name} has {len(text):,} characters; {most:,} is the most, shorten it")
    return Problem(id=TYPED, question=question.strip(), answer=reference.strip() or None, source=TYPED)


def chosen_guidance(names: Sequence[str], max_tokens: int) -> Guidance | None:
    """Returns the standard guidance, of which only the interventions with these names; ``None`` without any.

    Raises:
        InputError: where a name is not known.
    """
    from workbench.interventions import Guidance, standard_guidance

    known = {intervention.name: intervention for intervention in standard_guidance(max_tokens).interventions}
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise InputError(f"no intervention {unknown!r}; there are {', '.join(known)}")
    return Guidance([known[name] for name in known if name in names]) if names else None


def compare(
    question: Problem | str, student: Student, guidance: Guidance | None = None, *, max_tokens: int = 200
) -> Generator[tuple[Draft, ...]]:
    """Answers a question in every arm at the same time, from one set of weights, greedily.

    The arms are rows of one batch; the adapter is off in the base's row. A student without an adapter is
    a base alone.

    Args:
        question: a problem, or a text.
        student: shared by all arms; its adapter is left as it was, at each snapshot and at the end.
        guidance: of the guided arm; without it there is none.
        max_tokens: of each answer, at most.

    Yields:
        What the arms have written so far, once for each token; the last one has every arm finished
        and graded. Closing the generator stops all arms.

    Raises:
        InputError: where the question is empty, too long, or does not fit the student.
    """
    from workbench.workflow import arms

    problem = typed_problem(question) if isinstance(question, str) else question
    found = arms(student, guidance)
    desk = {arm.name: _Pen(arm.name) for arm in found}
    started = time.monotonic()
    with closing(_stream(student, problem, found, max_tokens)) as stream:
        fresh = set[str]()
        for item in stream:
            if item.sample:
                continue  # a branch has no pane
            if item.arm in fresh and not _goes_along(item):
                yield _snapshot(desk, student, started)
                fresh.clear()
            fresh.add(item.arm)
            _take(desk[item.arm], item, problem)
    yield _snapshot(desk, student, started)


def _stream(
    student: Student, problem: Problem, arms: Sequence[Arm], max_tokens: int
) -> Generator[Written | Completion]:
    from workbench.inference import Engine, Request

    requests = [
        Request(
            problem_id=problem.id,
            question=problem.question,
            max_tokens=max_tokens,
            arm=arm.name,
            adapter=arm.adapter,
            steering=arm.guidance,
        )
        for arm in arms
    ]
    yield from Engine(student, slots=len(requests)).stream(requests)


def _goes_along(item: Written | Completion) -> bool:
    """True for what comes with the token before it: the rest of an injection, and the end."""
    return isinstance(item, Completion) or (item.forced and not item.event)


def _snapshot(desk: Mapping[str, _Pen], student: Student, started: float) -> tuple[Draft, ...]:
    return tuple(pen.draft(student, time.monotonic() - started) for pen in desk.values())


@dataclass(slots=True)
class _Pen:
    """An arm while it writes."""

    arm: str
    token_ids: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    finished: Draft | None = None

    def draft(self, student: Student, seconds: float) -> Draft:
        """Returns what was written so far."""
        if self.finished:
            return self.finished
        text = shown_so_far(student.prompter.decode(self.token_ids))
        ids, events = tuple(self.token_ids), tuple(self.events)
        return Draft(arm=self.arm, text=text, token_ids=ids, events=events, seconds=round(seconds, 3))


def _take(pen: _Pen, item: Written | Completion, problem: Problem) -> None:
    if isinstance(item, Completion):
        if item.error:
            raise InputError(item.error)
        pen.finished = _finished(item, grade(problem, item.text))
        return
    pen.token_ids[item.position :] = [item.token_id]
    if item.event:
        pen.events.append(item.event)


_LATE = tuple(f"\n{heading}" for heading in HEADINGS.values())
_TAGS = ("<think>", "</think>")


def shown_so_far(text: str) -> str:
    r"""Returns the part of an unfinished text that may be shown: what follows cannot change how it looks.

    Held back are a torn character, a line that may become a heading, and half of a ``</think>``.

    >>> shown_so_far("caf\N{REPLACEMENT CHARACTER}"), shown_so_far("1 + 1 = 2\nChe"), shown_so_far("so </thi")
    ('caf', '1 + 1 = 2', 'so ')
    """
    text = text.rstrip("\N{REPLACEMENT CHARACTER}")
    longest = max(map(len, (*_LATE, *_TAGS)))
    for size in range(min(longest, len(text)), 0, -1):
        tail = text[-size:]
        whole = f"\n{tail}" if size == len(text) else tail
        if any(end.startswith(part) and end != part for part in (tail, whole) for end in (*_LATE, *_TAGS)):
            return text[:-size]
    return text
