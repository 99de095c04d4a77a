"""What is still to be asked of a teacher, one after the other, and what that may cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from workbench.files import text_hash
from workbench.records import Problem, Seen
from workbench.teachers.ledger import Ledger
from workbench.teachers.prices import NANO, Price, dollars
from workbench.teachers.prompt import question_text
from workbench.teachers.teacher import Teacher

GUESSED_OUTPUT_TOKENS = 400
"""What a reply takes before any is known; models that think first take more."""
BYTES_PER_TOKEN = 4


class Problems(Protocol):
    """Problems that can be gone through again and again: a list, or those of a file."""

    def __iter__(self) -> Iterator[Problem]:
        """Starts over."""

    def __len__(self) -> int:
        """Returns how many there are."""


@dataclass(frozen=True, slots=True)
class Task:
    """One answer that is wanted."""

    problem: Problem
    sample: int
    key: str
    """The same for all problems of one question: it is asked once."""
    request: str


def tasks_of(problems: Iterable[Problem], teacher: Teacher, samples: int) -> Iterator[Task]:
    """Yields what is wanted, in order."""
    for problem in problems:
        most = teacher.most(problem)
        question = question_text(problem)
        for sample in range(samples):
            key = text_hash(teacher.identity, question, sample)
            yield Task(problem, sample, key, text_hash(key, most.output))


def missing_tasks(
    problems: Iterable[Problem], teacher: Teacher, ledger: Ledger, *, samples: int, ask_again: bool
) -> Iterator[Task]:
    """Yields what is still to be asked, each question once; the ledger is looked at when a task is due."""
    seen = Seen()
    for task in tasks_of(problems, teacher, samples):
        if not seen.before(task.key) and not _is_done(ledger, task, ask_again):
            yield task


def _is_done(ledger: Ledger, task: Task, ask_again: bool) -> bool:
    """True where an answer is there or on its way, or a reply that asking again would only pay for twice."""
    if ledger.is_open(task.key):
        return True
    found = ledger.reply(task.key)
    if found is None:
        return False
    reply, request = found
    return reply.outcome == "answered" or (request == task.request and reply.outcome != "failed" and not ask_again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is still to be asked, and what it may cost."""

    calls: int
    input_tokens: int
    output_tokens: int
    nano_usd: int
    most_nano_usd: int
    spent_nano_usd: int
    price: Price

    def to_dict(self) -> dict[str, float]:
        """Returns the estimate as JSON values, money in US dollars."""
        return {
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "estimate_usd": self.nano_usd / NANO,
            "most_usd": self.most_nano_usd / NANO,
            "spent_usd": self.spent_nano_usd / NANO,
        }

    def lines(self, teacher: str, cap: float | None) -> list[str]:
        """Returns the estimate for people."""
        calls = f"{self.calls:,} call{'s' * (self.calls != 1)} to {teacher}"
        lines = [
            f"{calls}: about {self.input_tokens:,} tokens in and {self.output_tokens:,} out, "
            f"about {dollars(self.nano_usd)}, at most {dollars(self.most_nano_usd)} ({self.price})"
        ]
        if self.spent_nano_usd:
            lines.append(f"spent before: {dollars(self.spent_nano_usd)}")
        if cap is not None and self.nano_usd + self.spent_nano_usd > cap * NANO:
            lines.append(f"this is more than --max-cost {dollars(round(cap * NANO))}: it will stop there")
        return lines


def estimate(tasks: Iterable[Task], teacher: Teacher, ledger: Ledger) -> Estimate:
    """Estimates the cost of tasks: sizes of the questions, and replies as long as those before."""
    price = teacher.price or Price(0.0, 0.0)
    mean = round(ledger.mean_output_tokens() or GUESSED_OUTPUT_TOKENS)
    calls = inputs = outputs = cost = most = 0
    for task in tasks:
        bound = teacher.most(task.problem)
        taken, written = bound.input // BYTES_PER_TOKEN, min(mean, bound.output)
        calls, inputs, outputs = calls + 1, inputs + taken, outputs + written
        cost += price.cost(taken, written)
        most += price.cost(bound.input, bound.output)
    return Estimate(
        calls=calls,
        input_tokens=inputs,
        output_tokens=outputs,
        nano_usd=cost,
        most_nano_usd=most,
        spent_nano_usd=ledger.spent,
        price=price,
    )
