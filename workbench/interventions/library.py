"""The named interventions."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import InputError
from workbench.inference import Command, Encoder, End, View
from workbench.interventions.intervention import Intervention, inject
from workbench.records import HEADINGS, Event


@dataclass(frozen=True)
class PlanFirst(Intervention):
    """Opens the answer with the strategy's heading, so that a plan comes before the steps (ours)."""

    text: str = HEADINGS["strategy"]

    def fires(self, view: View) -> str | None:
        """At the start, unless the student opens with a plan by itself."""
        if view.token_ids or self.text.startswith(view.proposed_text.strip() or "\0"):
            return None
        return "the answer begins without a plan"


@dataclass(frozen=True)
class Verify(Intervention):
    """Asks for a check where the student is about to answer or to end without one (ours)."""

    text: str = HEADINGS["check"]

    def fires(self, view: View) -> str | None:
        """Before the answer's heading, or before the end where no answer was given."""
        if HEADINGS["check"] in view.text or HEADINGS["answer"] in view.text:
            return None
        at_line_start = not view.text or view.text.endswith("\n")
        if at_line_start and view.text and HEADINGS["answer"].startswith(view.proposed_text.strip() or "\0"):
            return "an answer is about to come without a check"
        return "the student wants to end without a check" if view.wants_to_end and view.text else None

    def act(self, view: View, reason: str, encode: Encoder) -> Command:
        """Writes the heading on a line of its own."""
        lead = "" if view.text.endswith("\n") else "\n"
        return inject(self.name, view, reason, lead + self.text, encode)


@dataclass(frozen=True)
class Budget(Intervention):
    """Keeps an answer between two lengths: budget forcing (Muennighoff et al., arXiv 2501.19393).

    Too early an end is replaced by a continue word; when the budget runs out before an answer was
    given, the answer's heading is written and the student gets ``answer_tokens`` to give it.
    """

    limit: int = 5
    text: str = "Wait"
    max_tokens: int = 512
    min_tokens: int = 0
    answer_tokens: int = 24
    continues: int = 3
    """How often too early an end is replaced."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.answer_tokens < 1 or not 0 <= self.min_tokens <= self.max_tokens - self.answer_tokens:
            raise InputError(
                f"Budget: min_tokens={self.min_tokens} plus answer_tokens={self.answer_tokens} "
                f"must fit into max_tokens={self.max_tokens}"
            )
        if self.limit < self.continues + 2:
            raise InputError(f"Budget: limit={self.limit} must be at least continues + 2, for the answer and the end")

    def fires(self, view: View) -> str | None:
        """Near the end of the budget, at its end, and where the student ends too early."""
        written = len(view.token_ids)
        if written >= self.max_tokens:
            return f"the budget of {self.max_tokens} tokens is spent"
        if written >= self._answer_from(view) and HEADINGS["answer"] not in view.text:
            return f"{self.answer_tokens} tokens of the budget are left and no answer was given"
        if view.wants_to_end and written < self.min_tokens and view.text.count(f"\n{self.text}") < self.continues:
            return f"the student ends after {written} of at least {self.min_tokens} tokens"
        return None

    def act(self, view: View, reason: str, encode: Encoder) -> Command:
        """Ends, forces the answer, or continues."""
        if len(view.token_ids) >= self.max_tokens:
            return End(Event(intervention=self.name, position=len(view.token_ids), reason=reason, action="end"))
        if len(view.token_ids) >= self._answer_from(view):
            return inject(self.name, view, reason, "\n" + HEADINGS["answer"], encode)
        return inject(self.name, view, reason, "\n" + self.text, encode)

    def _answer_from(self, view: View) -> int:
        return min(self.max_tokens, view.max_tokens) - self.answer_tokens
