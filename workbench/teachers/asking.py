"""Asks a teacher for one answer after the other: within a budget, in parallel, never twice for the same answer."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.teachers.ledger import Call, Ledger
from workbench.teachers.pacing import LONGEST_WAIT_S, Pace, Retries
from workbench.teachers.prices import NANO, Price, dollars
from workbench.teachers.tasks import Task
from workbench.teachers.teacher import CallError, Reply, Teacher
from workbench.teachers.workers import Workers

ALIKE_FAILURES = 5
"""Problems in a row that fail for the same reason, after all attempts, end the collection."""
ALIKE_REPLIES = 10
"""Paid replies without an answer, alike from the very first, end it too: something is set up wrong."""
WAITING = 4
"""So many failed calls may wait for each one in flight; more are not begun before these are through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectConfig:
    """How many answers to collect, and what they may cost.

    Raises:
        InputError: naming the field and the fix.
    """

    max_cost_usd: float | None = None
    """The most that all runs of this collection may cost together; teachers behind an API must have one."""
    samples: int = 1
    """Answers per problem."""
    concurrency: int = 8
    """Calls in flight, at most; fewer while the server says that they are too many."""
    attempts: int = 6
    """Calls for one answer, at most, where calls fail."""
    deadline_s: float = 900.0
    """Seconds after which a call is given up although the server still sends something."""
    ask_again: bool = False
    """Ask again what was refused, cut off or malformed before."""

    def __post_init__(self) -> None:
        for name, most in (("samples", 1_000), ("concurrency", 256), ("attempts", 100)):
            if not 1 <= getattr(self, name) <= most:
                raise InputError(f"{name}={getattr(self, name)} must lie between 1 and {most}")
        if not (math.isfinite(self.deadline_s) and self.deadline_s > 0):
            raise InputError(f"deadline_s={self.deadline_s} must be above 0")
        if self.max_cost_usd is not None and not (math.isfinite(self.max_cost_usd) and self.max_cost_usd >= 0):
            raise InputError(f"max_cost={self.max_cost_usd} must be an amount in US dollars, 0 or more")


class Budget:
    """What may still be spent: a call is reserved at its worst case, or not made."""

    def __init__(self, teacher: Teacher, ledger: Ledger, max_cost_usd: float | None) -> None:
        if teacher.price is None:
            raise ValueError(f"{teacher.name} needs no ledger")
        self._teacher, self._ledger, self._price = teacher, ledger, teacher.price
        self._cap = None if max_cost_usd is None else math.floor(max_cost_usd * NANO)
        self._excess = 1.0
        """How many times its worst case a reply has cost: some servers do not keep to the limit of tokens."""

    def call(self, task: Task) -> Call:
        """Returns a task as a call at its worst case."""
        most = self._teacher.most(task.problem)
        return Call(
            teacher=self._teacher.identity, task=task.key, request=task.request, problem_id=task.problem.id,
            sample=task.sample, price_in=self._price.input_usd, price_out=self._price.output_usd,
            most_nano_usd=math.ceil(self._excess * self._price.cost(most.input, most.output)), excess=self._excess,
        )  # fmt: skip

    def allows(self, nano_usd: int) -> bool:
        """Whether so much more cannot pass the cap, whatever the calls in flight come to."""
        return self._cap is None or self._ledger.spent + self._ledger.reserved + nano_usd <= self._cap

    def refusal(self, nano_usd: int) -> str:
        """Returns why a call is not made."""
        return f"one more call may cost {dollars(nano_usd)}, which could pass --max-cost {dollars(self._cap or 0)}"

    def billed(self, call: Call, reply: Reply) -> int:
        """Returns what a reply cost; the worst case where the provider does not say."""
        if reply.input_tokens is None or reply.output_tokens is None:
            return call.most_nano_usd
        cost = Price(call.price_in, call.price_out).cost(reply.input_tokens, reply.output_tokens)
        if cost > call.most_nano_usd > 0:
            self._excess = max(self._excess, call.excess * cost / call.most_nano_usd)
        return cost


class Alike:
    """Notices that everything fails for one and the same reason, which more calls would only pay for."""

    def __init__(self) -> None:
        self._kind, self._count, self._answered = "", 0, False

    def reply(self, reply: Reply) -> str:
        """Counts a reply; returns why to stop, or an empty text."""
        self._answered |= reply.outcome == "answered"
        kind = "" if reply.outcome == "answered" else reply.outcome
        is_over = self._counted(kind) >= ALIKE_REPLIES and not self._answered
        return f"all calls fail alike ({kind}): {reply.reason}" if kind and is_over else ""

    def failure(self, kind: str, reason: str) -> str:
        """Counts a call that failed for good; returns why to stop, or an empty text."""
        is_key = kind == "status 401" and not self._answered  # a wrong key stays wrong
        is_over = self._counted(kind) >= ALIKE_FAILURES or is_key
        return f"all calls fail alike ({kind}): {reason}" if is_over else ""

    def _counted(self, kind: str) -> int:
        self._count = self._count + 1 if kind == self._kind else 1
        self._kind = kind
        return self._count


class Collection:
    """Asks for tasks; everything is decided, and written down, in the thread that iterates `run`.

    Tasks are taken from their iterator when there is room for them, so that memory holds those in flight only.
    """

    farewell = "waiting for the calls in flight, which are paid for; press Ctrl-C again to leave them"
    """What to say before `drain`."""

    def __init__(self, tasks: Iterator[Task], teacher: Teacher, ledger: Ledger, config: CollectConfig) -> None:
        self._tasks, self._ledger, self._config = tasks, ledger, config
        self._budget = Budget(teacher, ledger, config.max_cost_usd)
        self._held: Task | None = None
        """The next one, where it could not be sent yet."""
        self._delayed: list[tuple[float, int, Task]] = []
        self._flying: dict[int, tuple[Task, Call, float]] = {}
        """By number: what was sent, and when."""
        self._retries: dict[str, Retries] = {}
        self._pace = Pace(config.concurrency)
        self._alike = Alike()
        self._is_dry = self._is_over = False
        """Whether all tasks were taken; whether none is begun any more."""
        self._is_short = False
        """Whether the calls in flight must end before the budget allows another."""
        self._workers = Workers(teacher, config.concurrency)
        self.calls = 0
        """Made in this run."""
        self.stopped = ""
        """Why it ended before all was asked; empty where it did not."""
        self.is_broken = False
        """Whether it stopped because calls failed alike, rather than at the cap."""

    def run(self) -> Iterator[None]:
        """Yields whenever the outcome of a task is final."""
        while True:
            self._send_some()
            if not (self._flying or self._held or self._delayed or self._can_begin):
                return
            result = self._workers.next(self._patience()) or self._overdue()
            if result and self._settle(*result):
                yield

    def drain(self) -> None:
        """Waits for the calls in flight, which are paid for anyway, and sends no more."""
        self._end()
        while self._flying:
            if result := self._workers.next(1.0) or self._overdue():
                self._settle(*result)

    def close(self) -> None:
        """Ends the threads that are idle."""
        self._workers.close()

    def _end(self) -> None:
        self._is_over, self._held = True, None
        self._delayed.clear()

    def _stop(self, reason: str, *, is_broken: bool = False) -> None:
        self._end()
        if not self.stopped:
            self.stopped, self.is_broken = reason, is_broken

    def _overdue(self) -> tuple[int, CallError] | None:
        """Gives up the oldest call where it takes too long; its thread may never come back."""
        number, (_, _, sent) = next(iter(self._flying.items()), (0, (None, None, math.inf)))
        if time.monotonic() - sent < self._config.deadline_s:
            return None
        self._workers.start()
        reason = f"no whole reply within {self._config.deadline_s:g} s"
        return number, CallError(reason, kind="deadline", retry=True, may_be_billed=True)

    @property
    def _can_begin(self) -> bool:
        """Whether there is a task to begin: not while too many wait for another attempt."""
        return not self._is_over and not self._is_dry and len(self._delayed) < WAITING * self._config.concurrency

    def _patience(self) -> float:
        """Seconds until something can be sent, a second where only a reply can change anything."""
        is_full = self._is_short or len(self._flying) >= self._pace.limit
        if is_full or not (self._held or self._delayed or self._can_begin):
            return 1.0
        due_s = 0.0 if self._held or self._can_begin else self._delayed[0][0] - time.monotonic()
        return min(1.0, max(0.01, due_s, self._pace.pause_s))

    def _send_some(self) -> None:
        while len(self._flying) < self._pace.limit and not self._pace.pause_s:
            task = self._next()
            if task is None:
                return
            if not self._send(task):
                self._held = None if self._is_over else task
                return

    def _next(self) -> Task | None:
        """Returns what is to be sent next: first what has waited for another attempt."""
        if self._delayed and self._delayed[0][0] <= time.monotonic():
            return heapq.heappop(self._delayed)[2]
        if self._held:
            held, self._held = self._held, None
            return held
        if not self._can_begin:
            return None
        task = next(self._tasks, None)
        self._is_dry = task is None
        return task

    def _send(self, task: Task) -> bool:
        """Reserves a call and sends it; not where it might pass the cap."""
        call = self._budget.call(task)
        if not self._budget.allows(call.most_nano_usd):
            self._is_short = True
            if not self._flying:
                self._stop(self._budget.refusal(call.most_nano_usd))
            return False
        number = self._ledger.reserve(call)
        self._flying[number] = task, call, time.monotonic()
        self._workers.send(number, task)
        self.calls += 1
        return True

    def _settle(self, number: int, result: Reply | BaseException) -> bool:
        """Writes down what came; true where the task's outcome is final."""
        if number not in self._flying:
            return False  # given up before it came
        task, call, sent = self._flying.pop(number)
        self._is_short = False
        if isinstance(result, CallError):
            return self._failed(number, task, call, sent, result)
        if isinstance(result, BaseException):
            reply = Reply(outcome="failed", reason=f"a defect: {type(result).__name__}")
            self._ledger.settle(number, call, call.most_nano_usd, reply)
            raise result
        self._ledger.settle(number, call, self._budget.billed(call, result), result)
        self._retries.pop(task.key, None)
        self._pace.replied()
        if reason := self._alike.reply(result):
            self._stop(reason, is_broken=True)
        return True

    def _failed(self, number: int, task: Task, call: Call, sent: float, error: CallError) -> bool:
        """Tries again later, or gives up."""
        self._pace.failed(error, sent)
        wait_s = self._retries.setdefault(task.key, Retries(self._config.attempts)).wait_s(error)
        asked = f"; it asks to wait {error.wait_s:,.0f} s" if (error.wait_s or 0) > LONGEST_WAIT_S else ""
        reply = Reply(outcome="failed", reason=f"{error.reason}{asked}")
        self._ledger.settle(number, call, call.most_nano_usd if error.may_be_billed else 0, reply)
        if self._is_over:
            return True
        if wait_s is not None:
            heapq.heappush(self._delayed, (time.monotonic() + wait_s, number, task))
            return False
        del self._retries[task.key]
        if reason := self._alike.failure(error.kind, reply.reason):
            self._stop(reason, is_broken=True)
        return True
