"""What crosses from one room to another: frozen records, and nothing else.

Each record writes its ``schema`` first, so that a file says what it holds. JSON goes through msgspec,
which checks every field's type and names the place of the first that does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from workbench.errors import InputError

Role = Literal["strategy", "tactic", "check"]
FinishReason = Literal["stop", "length", "budget", "interrupted", "error"]
Verdict = Literal["correct", "wrong", "ungraded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A question, and what is known of its answer."""

    schema: Literal["workbench.problem/1"] = "workbench.problem/1"
    id: str
    """Unique within a file."""
    question: str
    answer: str | None = None
    """The reference answer as its source writes it; ``None`` where it is not known."""
    domain: str = "unknown"
    source: str = "unknown"
    """The data set, or the family of an embedded problem."""
    license: str = "unknown"
    choices: tuple[str, ...] | None = None
    """The options of a multiple-choice question, in order."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """JSON values only. ``answer_type``, ``level`` and ``scorer`` are read by other rooms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One move of a solution at one level of the hierarchy."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How a teacher answered a problem."""

    schema: Literal["workbench.trace/1"] = "workbench.trace/1"
    id: str
    problem: Problem
    sample: int = 0
    """Which of several answers to the same problem this is, from 0."""
    teacher: str
    model_version: str = ""
    prompt_version: str = ""
    created: str = ""
    """ISO 8601 date or time."""
    steps: tuple[Step, ...] = ()
    reasoning: str | None = None
    """The raw text, where the teacher gave it unsegmented."""
    answer: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    """Tokens and cost as the teacher reported them; of a worked solution its ``form``, ``voice`` and ``slip``."""
    finish_reason: str = "stop"
    is_correct: bool | None = None
    """``None`` means that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One intervention that fired: where, which, why, and what it cost."""

    schema: Literal["workbench.event/1"] = "workbench.event/1"
    intervention: str
    position: int
    """Index into the completion's ``token_ids`` at which it stepped in."""
    reason: str
    """One line for people."""
    action: str
    text: str = ""
    added_tokens: int = 0
    removed_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a student wrote for one problem in one arm of a comparison."""

    schema: Literal["workbench.completion/1"] = "workbench.completion/1"
    problem_id: str
    arm: str
    student: str
    sample: int = 0
    seed: int = 0
    text: str
    token_ids: tuple[int, ...] = ()
    """Generated and injected tokens, without the prompt and the end token."""
    logprobs: tuple[float, ...] | None = None
    """Natural logarithms, one for each of ``token_ids``, where they were asked for."""
    entropies: tuple[float, ...] | None = None
    """Of the distributions that the tokens were drawn from, in nats, beside ``logprobs``."""
    answer: str | None = None
    prompt_tokens: int = 0
    finish_reason: FinishReason
    error: str = ""
    """What kept the student from answering, and the fix, where ``finish_reason`` is ``error``."""
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    """Wall time from the row's start to its end; rows of a batch share the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """Whether an answer is right, and how that was decided."""

    schema: Literal["workbench.grade/1"] = "workbench.grade/1"
    verdict: Verdict
    extracted: str | None = None
    """The answer that was found in the text; ``None`` where there was none."""
    grader: str = ""
    reason: str = ""
    """Why, in one line, where the verdict is not ``correct``."""

    @property
    def is_correct(self) -> bool:
        """True for ``correct`` alone: what could not be graded does not count as right."""
        return self.verdict == "correct"


Record = Problem | Trace | Completion | Event | Grade
R = TypeVar("R", Problem, Trace, Completion, Event, Grade)


def to_json(record: Record) -> bytes:
    """Returns the record as one line of JSON, without the newline, ``schema`` first."""
    return msgspec.json.encode(record)


def from_json(kind: type[R], line: bytes | str) -> R:
    """Reads one record of ``kind`` from JSON.

    Raises:
        InputError: naming the field that does not fit and what was expected there.
    """
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a {kind.__name__}: {error}") from error


def from_dict(kind: type[R], value: dict[str, Any]) -> R:
    """Reads one record of ``kind`` from plain values; raises ``InputError`` as `from_json` does."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"not a {kind.__name__}: {error}") from error


def to_dict(record: Record) -> dict[str, Any]:
    """Returns the record as plain JSON values, nested records included."""
    value: dict[str, Any] = msgspec.to_builtins(record)
    return value
