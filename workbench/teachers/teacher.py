"""What a teacher is: somebody who answers problems, for money or for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from workbench.records import Problem, Step
from workbench.teachers.prices import Price

Outcome = Literal["answered", "refused", "cut off", "malformed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back from a teacher: an answer with its steps, or the reason why there is none."""

    outcome: Outcome
    reason: str = ""
    """One line, where the outcome is not ``answered``."""
    text: str = ""
    """What the teacher wrote instead of an answer."""
    steps: tuple[Step, ...] = ()
    reasoning: str | None = None
    """Thoughts or their summary, where the provider gives them; the raw solution of unsegmented traces."""
    answer: str | None = None
    teacher: str = ""
    model_version: str = ""
    prompt_version: str = ""
    created: str = ""
    """ISO 8601."""
    input_tokens: int | None = None
    """As billed; ``None`` where the provider did not say."""
    output_tokens: int | None = None
    """As billed, thoughts included."""
    usage: dict[str, Any] = field(default_factory=dict)
    """Of a recorded trace."""
    is_correct: bool | None = None
    """As recorded; a known reference answer overrules it."""


class CallError(Exception):
    """A call that gave no reply at all."""

    def __init__(
        self, reason: str, *, kind: str, retry: bool, may_be_billed: bool = False, wait_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        """Calls that fail alike have the same kind: a status code, a time-out."""
        self.retry = retry
        self.may_be_billed = may_be_billed
        """True where the provider may have worked: the worst case then counts as spent."""
        self.wait_s = wait_s
        """Seconds that the provider asks to wait, where it says so."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a call."""

    input: int
    output: int


class Teacher(Protocol):
    """Somebody who answers problems."""

    @property
    def name(self) -> str:
        """What traces call it, such as ``openai:MODEL``, ``worked``."""

    @property
    def identity(self) -> str:
        """Everything that decides its answers beside question and sample; the ledger knows it by this."""

    @property
    def price(self) -> Price | None:
        """``None`` for teachers on this computer, which are asked without a ledger."""

    def most(self, problem: Problem) -> Tokens:
        """Returns the tokens that one call can be billed for at most."""

    def ask(self, problem: Problem, sample: int) -> Reply:
        """Asks once; called from several threads.

        Raises:
            CallError: where no reply came.
        """
