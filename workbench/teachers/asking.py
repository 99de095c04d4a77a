"""Asks a teacher for all of a list of problems: within a budget, in parallel, never twice for the same answer."""

from __future__ import annotations

import heapq
import math
import queue
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.files import text_hash
from workbench.records import Problem
from workbench.teachers.ledger import Call, Ledger
from workbench.teachers.prices import NANO, Price, dollars
from workbench.teachers.prompt import question_text
from workbench.teachers.teacher import CallError, Reply, Teacher

GUESSED_OUTPUT_TOKENS = 400
"""What a reply takes before any is known; models that think first take more."""
BYTES_PER_TOKEN = 4
ALIKE_FAILURES = 5
"""Problems in a row that fail for the same reason, after all attempts, end the collection."""
ALIKE_REPLIES = 10
"""Paid replies without an answer, alike from the very first, end it too: something is set up wrong."""
LONGEST_WAIT_S = 300.0
"""A server that asks for a longer pause is asked no more."""


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
        if self.deadline_s <= 0:
            raise InputError(f"deadline_s={self.deadline_s} must be above 0")
        if self.max_cost_usd is not None and not (math.isfinite(self.max_cost_usd) and self.max_cost_usd >= 0):
            raise InputError(f"max_cost={self.max_cost_usd} must be an amount in US dollars, 0 or more")


@dataclass(frozen=True, slots=True)
class Task:
    """One answer that is wanted."""

    problem: Problem
    sample: int
    key: str
    """The same for all problems of one question: it is asked once."""
    request: str


def tasks_of(problems: Iterable[Problem], teacher: Teacher, samples: int) -> Iterator[Task]:
    """Yields what is to be asked, in order."""
    for problem in problems:
        most = teacher.most(problem)
        question = question_text(problem)
        for sample in range(samples):
            key = text_hash(teacher.identity, question, sample)
            yield Task(problem, sample, key, text_hash(key, most.output))


def is_done(ledger: Ledger, task: Task, ask_again: bool) -> bool:
    """True where an answer is there, or a reply that asking the same again would only pay for twice."""
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


def estimate(tasks: Sequence[Task], teacher: Teacher, ledger: Ledger) -> Estimate:
    """Estimates the cost of tasks: sizes of the questions, and replies as long as those before."""
    price = teacher.price or Price(0.0, 0.0)
    distinct = list({task.key: task for task in tasks}.values())
    bounds = [teacher.most(task.problem) for task in distinct]
    mean = ledger.mean_output_tokens() or GUESSED_OUTPUT_TOKENS
    inputs = [bound.input // BYTES_PER_TOKEN for bound in bounds]
    outputs = [min(round(mean), bound.output) for bound in bounds]
    return Estimate(
        calls=len(distinct),
        input_tokens=sum(inputs),
        output_tokens=sum(outputs),
        nano_usd=sum(map(price.cost, inputs, outputs)),
        most_nano_usd=sum(price.cost(bound.input, bound.output) for bound in bounds),
        spent_nano_usd=ledger.spent,
        price=price,
    )


class _Workers:
    """Threads that ask; they end with the process, whatever they wait for."""

    def __init__(self, teacher: Teacher, count: int) -> None:
        self._inbox: queue.SimpleQueue[tuple[int, Task] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[tuple[int, Reply | BaseException]] = queue.SimpleQueue()
        self._teacher, self._count = teacher, count
        for _ in range(count):
            self.start()

    def start(self) -> None:
        """Starts one more thread."""
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while (item := self._inbox.get()) is not None:
            number, task = item
            try:
                self._outbox.put((number, self._teacher.ask(task.problem, task.sample)))
            except BaseException as error:  # given to the thread that settles it
                self._outbox.put((number, error))

    def send(self, number: int, task: Task) -> None:
        self._inbox.put((number, task))

    def next(self, timeout_s: float) -> tuple[int, Reply | BaseException] | None:
        """Returns what comes next; ``None`` after the time-out."""
        try:
            return self._outbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        for _ in range(self._count):
            self._inbox.put(None)


class Collection:
    """Asks for tasks; everything is decided, and written down, in the thread that iterates `run`."""

    def __init__(self, tasks: Sequence[Task], teacher: Teacher, ledger: Ledger, config: CollectConfig) -> None:
        if teacher.price is None:
            raise ValueError(f"{teacher.name} needs no ledger")
        self._teacher, self._ledger, self._config, self._price = teacher, ledger, config, teacher.price
        self._queue = deque({task.key: task for task in tasks}.values())
        self._delayed: list[tuple[float, int, Task]] = []
        self._flying: dict[int, tuple[Task, Call, float]] = {}
        """By number: what was sent, and when."""
        self._attempts: Counter[str] = Counter()
        self._limit = float(config.concurrency)
        self._paused_until = 0.0
        self._is_short = False
        """Whether the calls in flight must end before the budget allows another."""
        self._alike: tuple[str, int] = ("", 0)
        self._answered = 0
        self._workers = _Workers(teacher, config.concurrency)
        self.calls = 0
        """Made in this run."""
        self.stopped = ""
        """Why it ended before all was asked; empty where it did not."""
        self.is_broken = False
        """Whether it stopped because calls failed alike, rather than at the cap."""

    def run(self) -> Iterator[Task]:
        """Yields every task whose outcome is final."""
        while True:
            self._send_some()
            if not (self._flying or self._queue or self._delayed):
                return
            result = self._workers.next(self._patience()) or self._overdue()
            if result and (task := self._settle(*result)):
                yield task

    def drain(self) -> None:
        """Waits for the calls in flight, which are paid for anyway, and sends no more."""
        self._queue.clear()
        self._delayed.clear()
        while self._flying:
            if result := self._workers.next(1.0) or self._overdue():
                self._settle(*result)

    def close(self) -> None:
        """Ends the threads that are idle."""
        self._workers.close()

    def _overdue(self) -> tuple[int, CallError] | None:
        """Gives up the oldest call where it takes too long; its thread may never come back."""
        number, (_, _, sent) = next(iter(self._flying.items()), (0, (None, None, math.inf)))
        if time.monotonic() - sent < self._config.deadline_s:
            return None
        self._workers.start()
        reason = f"no whole reply within {self._config.deadline_s:g} s"
        return number, CallError(reason, kind="deadline", retry=True, may_be_billed=True)

    def _patience(self) -> float:
        """Seconds until something can be sent, a second where only a reply can change anything."""
        is_full = self._is_short or len(self._flying) >= int(self._limit)
        if is_full or not (self._queue or self._delayed):
            return 1.0
        due = self._paused_until if self._queue else self._delayed[0][0]
        return min(1.0, max(0.01, max(due, self._paused_until) - time.monotonic()))

    def _send_some(self) -> None:
        while len(self._flying) < int(self._limit) and time.monotonic() >= self._paused_until:
            if self._delayed and self._delayed[0][0] <= time.monotonic():
                self._queue.appendleft(heapq.heappop(self._delayed)[2])
            if not self._queue or not self._send(self._queue[0]):
                return
            self._queue.popleft()

    def _send(self, task: Task) -> bool:
        """Reserves a call and sends it; not where it might pass the cap."""
        most = self._teacher.most(task.problem)
        cost = self._price.cost(most.input, most.output)
        cap = self._config.max_cost_usd
        if cap is not None and self._ledger.spent + self._ledger.reserved + cost > cap * NANO:
            self._is_short = True
            if not self._flying:
                limit = dollars(round(cap * NANO))
                self._stop(f"one more call may cost {dollars(cost)}, which could pass --max-cost {limit}")
            return False
        call = Call(
            teacher=self._teacher.identity, task=task.key, request=task.request, problem_id=task.problem.id,
            sample=task.sample, price_in=self._price.input_usd, price_out=self._price.output_usd, most_nano_usd=cost,
        )  # fmt: skip
        number = self._ledger.reserve(call)
        self._flying[number] = task, call, time.monotonic()
        self._workers.send(number, task)
        self.calls += 1
        return True

    def _stop(self, reason: str, *, is_broken: bool = False) -> None:
        self._queue.clear()
        self._delayed.clear()
        if not self.stopped:
            self.stopped, self.is_broken = reason, is_broken

    def _settle(self, number: int, result: Reply | BaseException) -> Task | None:
        if number not in self._flying:
            return None  # given up before it came
        task, call, _ = self._flying.pop(number)
        self._is_short = False
        if isinstance(result, CallError):
            return self._failed(number, task, call, result)
        if isinstance(result, BaseException):
            reply = Reply(outcome="failed", reason=f"a defect: {type(result).__name__}")
            self._ledger.settle(number, call, call.most_nano_usd, reply)
            raise result
        self._ledger.settle(number, call, self._billed(call, result), result)
        self._limit = min(self._config.concurrency, self._limit + 1 / self._limit)
        self._answered += result.outcome == "answered"
        self._count_alike("" if result.outcome == "answered" else result.outcome, result.reason)
        return task

    def _billed(self, call: Call, reply: Reply) -> int:
        """What a reply cost; the worst case where the provider does not say."""
        if reply.input_tokens is None or reply.output_tokens is None:
            return call.most_nano_usd
        return self._price.cost(reply.input_tokens, reply.output_tokens)

    def _failed(self, number: int, task: Task, call: Call, error: CallError) -> Task | None:
        """Tries again later, or gives up."""
        self._attempts[task.key] += 1
        wait_s = self._wait_s(error, self._attempts[task.key])
        is_final = not error.retry or self._attempts[task.key] >= self._config.attempts or wait_s > LONGEST_WAIT_S
        asked = f"; it asks to wait {wait_s:,.0f} s" if wait_s > LONGEST_WAIT_S else ""
        reply = Reply(outcome="failed", reason=f"{error.reason}{asked}")
        self._ledger.settle(number, call, call.most_nano_usd if error.may_be_billed else 0, reply)
        if self.stopped:
            return task
        if not is_final:
            heapq.heappush(self._delayed, (time.monotonic() + wait_s, number, task))
            return None
        self._count_alike(error.kind, reply.reason, is_call=True)
        return task

    def _wait_s(self, error: CallError, attempts: int) -> float:
        """Seconds until the next attempt; a server that is full is asked by fewer, and later."""
        if error.kind in ("status 429", "status 529"):
            self._limit = max(1.0, self._limit / 2)
        if error.wait_s is None:
            return min(60.0, 0.5 * 2.0 ** min(attempts, 10)) * random.uniform(0.5, 1.0)
        if error.wait_s <= LONGEST_WAIT_S:
            self._paused_until = max(self._paused_until, time.monotonic() + error.wait_s)
        return error.wait_s

    def _count_alike(self, kind: str, reason: str, *, is_call: bool = False) -> None:
        count = self._alike[1] + 1 if kind == self._alike[0] else 1
        self._alike = kind, count
        if kind == "status 401" and not self._answered:
            count = ALIKE_FAILURES  # a wrong key stays wrong
        if kind and count >= (ALIKE_FAILURES if is_call else ALIKE_REPLIES) and (is_call or not self._answered):
            self._stop(f"all calls fail alike ({kind}): {reason}", is_broken=True)
