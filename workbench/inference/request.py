"""What is asked of the engine, and what it tells while it writes."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import InputError
from workbench.inference.steering import Steering
from workbench.records import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer that is wanted: to a question, or to a prompt that is token ids already.

    Raises:
        InputError: where a number or the kind of prompt does not fit.
    """

    problem_id: str
    question: str | None = None
    """Outside text; it is put into the student's chat template as text, whatever it holds."""
    prompt_ids: tuple[int, ...] | None = None
    """A whole prompt, instead of a question."""
    max_tokens: int
    """Tokens of the answer, at most; injected ones count, and so do those that are taken back."""
    sample: int = 0
    """Which of several answers to the same problem this is; the sampling noise differs."""
    arm: str = "student"
    """Recorded in the completion."""
    adapter: bool = True
    """False answers as the base does, on the same weights and in the same batch."""
    steering: Steering | None = None
    """Who may step in."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer, which is then cut before them; they may span tokens."""
    logprobs: bool = False
    """Record the log-probability of each token and the entropy of its distribution, before temperature."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InputError(f"problem {self.problem_id}: max_tokens={self.max_tokens} must be at least 1")
        if (self.question is None) == (self.prompt_ids is None):
            raise InputError(f"problem {self.problem_id}: give either a question or prompt_ids")
        if not all(self.stop):
            raise InputError(f"problem {self.problem_id}: a stop marker is empty, which would stop every answer")


@dataclass(frozen=True, slots=True)
class Written:
    """One token that a row just got, for those who watch it being written; a `Completion` ends the row."""

    problem_id: str
    sample: int
    arm: str
    token_id: int
    position: int
    """Index of the token in the answer. Tokens that stood there before, and all after it, were taken back."""
    forced: bool
    """True where an intervention wrote it and not the model."""
    event: Event | None = None
    """The intervention that begins with this token."""
