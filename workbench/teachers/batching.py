"""Asks by a provider's batch API: reserved before it is sent, fetched by this run or a later one, never sent twice."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from workbench.teachers.asking import Budget, CollectConfig
from workbench.teachers.batch_apis import BatchApi, State
from workbench.teachers.clients import ApiTeacher
from workbench.teachers.ledger import Batch, Call, Ledger
from workbench.teachers.pacing import Retries
from workbench.teachers.prompt import question_text
from workbench.teachers.tasks import Task
from workbench.teachers.teacher import CallError, Reply

MOST_REQUESTS, MOST_BYTES = 10_000, 50_000_000
"""Of one batch; providers allow at least five times as many."""
ROUNDS = 3
"""Batches that one request may be part of in a run, where it fails in a way that may pass."""
GRACE_S = 60.0
"""Seconds after which a batch that the provider does not list was never accepted."""
LONGEST_POLL_S = 60.0


class BatchCollection:
    """The counterpart of `Collection`: the same ledger, budget and outcomes, by batches.

    A killed run leaves its batches open in the ledger; the next one fetches them before it asks for anything.
    """

    farewell = "the batch goes on at the provider: run the same command again to fetch it; nothing is asked twice"

    def __init__(
        self, tasks: Callable[[], Iterator[Task]], teacher: ApiTeacher, api: BatchApi, ledger: Ledger,
        config: CollectConfig, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._tasks, self._teacher, self._api, self._ledger, self._config = tasks, teacher, api, ledger, config
        self._budget = Budget(teacher, ledger, config.max_cost_usd)
        self._say = say
        self._held: Task | None = None
        self._strangers: set[str] = set()
        """Batches of the account that turned out to be somebody else's."""
        self._kinds: Counter[str] = Counter()
        """What came of the requests of this round."""
        self._reason, self._may_pass = "", False
        self.calls = 0
        """Requests sent in this run."""
        self.stopped = ""
        """Why it ended before all was asked; empty where it did not."""
        self.is_broken = False
        """Whether it stopped because something failed, rather than at the cap."""

    def run(self) -> Iterator[None]:
        """Yields whenever the outcome of a task is written down."""
        yield from self._finish()
        for _ in range(ROUNDS):
            self._kinds.clear()
            self._may_pass = False
            yield from self._round(self._tasks())
            if not self._may_pass or self.stopped:
                return

    def drain(self) -> None:
        """Waits for nothing: the provider works on by itself."""

    def close(self) -> None:
        """Holds nothing open."""

    def _round(self, tasks: Iterator[Task]) -> Iterator[None]:
        while not self.stopped:
            requests = self._next_requests(tasks)
            if requests:
                self._submit(requests)
            elif self._held and not self._ledger.open_batches():
                self._stop(self._budget.refusal(self._budget.call(self._held).most_nano_usd))
            if self._held or not requests:  # the budget is short, or all is sent
                yield from self._finish()
                if not self._held:
                    break
        answered, (kind, _) = self._kinds["answered"], (self._kinds.most_common(1) or [("", 0)])[0]
        if len(self._kinds) == 1 and not answered and not self._may_pass:
            self._stop(f"all calls fail alike ({kind}): {self._reason}", is_broken=True)

    def _next_requests(self, tasks: Iterator[Task]) -> list[tuple[Task, Call]]:
        """Takes as many tasks as a batch holds and the cap allows."""
        requests: list[tuple[Task, Call]] = []
        cost = size = 0
        while len(requests) < MOST_REQUESTS and size < MOST_BYTES:
            task = self._held or next(tasks, None)
            self._held = None
            if task is None:
                break
            call = self._budget.call(task)
            if refusal := self._teacher.refusal(question_text(task.problem)):
                self._write(self._ledger.reserve(call), call, refusal)
                continue
            if not self._budget.allows(cost + call.most_nano_usd):
                self._held = task
                break
            requests.append((task, call))
            cost, size = cost + call.most_nano_usd, size + self._teacher.most(task.problem).input
        return requests

    def _submit(self, requests: list[tuple[Task, Call]]) -> None:
        """Hands a batch over, again after a while where it was turned away."""
        retries = Retries(self._config.attempts)
        while error := self._refused(requests):
            wait_s = retries.wait_s(error)
            if wait_s is None:
                self._stop(f"the batch was not accepted: {error.reason}", is_broken=True)
                return
            time.sleep(wait_s)

    def _refused(self, requests: list[tuple[Task, Call]]) -> CallError | None:
        """Hands a batch over once; returns why it was turned away, and nothing where it may have been accepted."""
        name, without = f"workbench-{secrets.token_hex(8)}", frozenset(self._teacher.without)
        numbers = self._ledger.reserve_batch(name, [call for _, call in requests])
        bodies = (
            (f"{name}-{number}", self._teacher.arguments(question_text(task.problem), without))
            for number, (task, _) in zip(numbers, requests, strict=True)
        )
        try:
            provider_id = self._api.submit(name, bodies)
        except CallError as error:
            if error.may_be_billed:
                return None  # `_finish` looks for it
            self._release(name, f"the batch was not accepted: {error.reason}")
            return error
        self._ledger.sent_batch(name, provider_id)
        self.calls += len(requests)
        self._say(
            f"{len(requests):,} calls are batch {provider_id}, answered within a day; "
            "stop this whenever you like, and run it again to fetch them"
        )
        return None

    def _finish(self) -> Iterator[None]:
        """Waits until every open batch has ended, and writes down what came of it."""
        retries, poll_s = Retries(self._config.attempts), 0.5
        while batches := self._ledger.open_batches():
            try:
                for batch in batches:
                    yield from self._look(batch)
                retries = Retries(self._config.attempts)
            except CallError as error:
                wait_s = retries.wait_s(error)
                if wait_s is None:
                    self._stop(f"{error.reason}; the batch stays in the ledger for the next run", is_broken=True)
                    return
                time.sleep(wait_s)
                continue
            if self._ledger.open_batches():
                poll_s = min(LONGEST_POLL_S, 1.5 * poll_s)
                time.sleep(poll_s)

    def _look(self, batch: Batch) -> Iterator[None]:
        provider_id = batch.provider_id or self._found(batch)
        if provider_id and (state := self._api.state(provider_id)).has_ended:
            yield from self._settle(batch, provider_id, state)

    def _found(self, batch: Batch) -> str | None:
        """Looks for a batch whose acceptance was not heard of."""

        def skip(provider_id: str) -> bool:
            return provider_id in self._strangers or self._ledger.knows_batch(provider_id)

        try:
            found = self._api.find(batch, skip)
        except CallError as error:
            if error.kind not in ("status 404", "status 405", "status 501"):
                raise
            self._release(batch.name, "the server lists no batches: nobody knows whether it was accepted", spent=True)
            return None
        if found:
            self._ledger.sent_batch(batch.name, found)
            self.calls += batch.calls
        elif (datetime.now(UTC) - batch.sent).total_seconds() > GRACE_S:
            self._release(batch.name, "the provider knows of no such batch: it was never accepted")
            self._may_pass = True
        return found

    def _settle(self, batch: Batch, provider_id: str, state: State) -> Iterator[None]:
        own = other = 0
        for name, result in self._api.results(provider_id):
            prefix, _, number = name.rpartition("-")
            if prefix != batch.name or not number.isdecimal():
                other += 1
                continue
            own += 1
            if call := self._ledger.open_call(batch.name, int(number)):
                self._write(int(number), call, result)
                yield
        if other and not own:
            self._strangers.add(provider_id)
            self._ledger.sent_batch(batch.name, None)
            return
        self._release(batch.name, f"no result: {state.reason}", spent=not state.was_refused)

    def _write(self, number: int, call: Call, result: Reply | CallError) -> None:
        if isinstance(result, CallError):
            self._kinds[result.kind] += 1
            self._reason, self._may_pass = result.reason, self._may_pass or result.retry
            cost = call.most_nano_usd if result.may_be_billed else 0
            self._ledger.settle(number, call, cost, Reply(outcome="failed", reason=result.reason))
            return
        self._kinds[result.outcome] += 1
        self._reason = result.reason
        self._ledger.settle(number, call, self._budget.billed(call, result), result)

    def _release(self, name: str, reason: str, *, spent: bool = False) -> None:
        """Settles the calls of a batch that have no result, and ends it.

        Args:
            name: of the batch.
            reason: why there is none.
            spent: whether they may have been billed.
        """
        for number, call in self._ledger.open_calls(name):
            self._kinds["no result"] += 1
            self._reason = reason
            cost = call.most_nano_usd if spent else 0
            self._ledger.settle(number, call, cost, Reply(outcome="failed", reason=reason))
        self._ledger.end_batch(name)

    def _stop(self, reason: str, *, is_broken: bool = False) -> None:
        self._held = None
        if not self.stopped:
            self.stopped, self.is_broken = reason, is_broken
