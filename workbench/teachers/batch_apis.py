"""The providers' batch APIs: requests handed over together, answered within a day, at half the price.

Each request has an id that begins with the batch's own name, by which its result, and the batch itself, are known
again whatever happened in between.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

from workbench.teachers.clients import NO_REPLY, AnthropicTeacher, ApiTeacher, OpenAITeacher
from workbench.teachers.ledger import Batch
from workbench.teachers.teacher import CallError, Reply

Requests = Iterable[tuple[str, dict[str, Any]]]
"""Ids, and what would be sent in a single call."""
Results = Iterator[tuple[str, Reply | CallError]]
T = TypeVar("T")
LOOKED_AT = 1_000
"""Batches of an account that are looked at for a lost one, latest first."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a batch is."""

    has_ended: bool
    reason: str = ""
    """Why results may be missing."""
    was_refused: bool = False
    """Whether the provider refused it as a whole, and worked on nothing."""


class BatchApi(Protocol):
    """A provider's batches. All methods raise `CallError`."""

    def submit(self, name: str, requests: Requests) -> str:
        """Hands a batch over and returns the provider's id of it.

        Raises:
            CallError: ``may_be_billed`` where the provider may have accepted it all the same.
        """

    def find(self, batch: Batch, skip: Callable[[str], bool]) -> str | None:
        """Returns the provider's id of a batch whose answer was lost, or of one that may be it; ``None`` for none."""

    def state(self, provider_id: str) -> State:
        """Looks at a batch."""

    def results(self, provider_id: str) -> Results:
        """Yields what has come of a batch that has ended, in any order, by the requests' ids."""


def batch_api(teacher: Any) -> BatchApi | None:
    """Returns how a teacher takes batches; ``None`` where it is asked call by call."""
    if not isinstance(teacher, ApiTeacher) or not teacher.is_batched:
        return None
    return OpenAIBatches(teacher) if isinstance(teacher, OpenAITeacher) else AnthropicBatches(teacher)  # type: ignore[arg-type]


def _read(teacher: ApiTeacher, response: Any) -> Reply | CallError:
    try:
        return replace(teacher.read(response), created=datetime.now(UTC).isoformat(timespec="seconds"))
    except CallError as error:
        return error


def _asked(teacher: ApiTeacher, work: Callable[[], T]) -> T:
    """Does something with a client; what it cannot read is a failure as any other."""
    try:
        return teacher.guarded(work)
    except NO_REPLY as error:
        reason = teacher.line(f"the server's answer is no batch: {error}")
        raise CallError(reason, kind="no batch", retry=True, may_be_billed=True) from None


def _submitted(teacher: ApiTeacher, work: Callable[[], str]) -> str:
    """After a server's error, a time-out or a cut connection nobody knows whether a batch was accepted."""
    try:
        return _asked(teacher, work)
    except CallError as error:
        error.may_be_billed |= error.kind.startswith("status 5")
        raise


def _unbroken(teacher: ApiTeacher, results: Results) -> Results:
    """A stream that breaks off, or holds what is no result, is a call that failed."""
    try:
        yield from results
    except CallError:
        raise
    except Exception as error:  # of the client, of HTTP, of JSON: all mean that the rest is not there
        reason = teacher.line(f"the results broke off: {type(error).__name__}")
        raise CallError(reason, kind="connection", retry=True) from None


@dataclass(frozen=True)
class OpenAIBatches:
    """A file of requests, and two files of results: those with an answer, those with an error."""

    teacher: OpenAITeacher

    def submit(self, name: str, requests: Requests) -> str:
        """See `BatchApi`; a file that was uploaded and is not used costs nothing."""
        client = self.teacher.client
        with tempfile.TemporaryFile() as stream:
            for name_of_one, body in requests:
                line = {"custom_id": name_of_one, "method": "POST", "url": self.teacher.endpoint, "body": body}
                stream.write(json.dumps(line).encode() + b"\n")
            stream.seek(0)
            try:
                upload = (f"{name}.jsonl", stream)
                file = _asked(self.teacher, lambda: str(client.files.create(file=upload, purpose="batch").id))
            except CallError as error:
                error.may_be_billed = False
                raise
        settings: dict[str, Any] = {"completion_window": "24h", "endpoint": self.teacher.endpoint}
        known: dict[str, Any] = {"input_file_id": file, "metadata": {"workbench": name}}
        return _submitted(self.teacher, lambda: str(client.batches.create(**settings, **known).id))

    def find(self, batch: Batch, skip: Callable[[str], bool]) -> str | None:
        """See `BatchApi`; the name is in the batch's metadata, so that what is found is it."""

        def found() -> str | None:
            listed = islice(self.teacher.client.batches.list(limit=100), LOOKED_AT)
            return next((one.id for one in listed if (one.metadata or {}).get("workbench") == batch.name), None)

        return _asked(self.teacher, found)

    def state(self, provider_id: str) -> State:
        """See `BatchApi`."""

        def state() -> State:
            batch = self.teacher.client.batches.retrieve(provider_id)
            errors = (batch.errors and batch.errors.data) or []
            said = "; ".join(["", *(str(error.message) for error in errors[:3])])
            ended = batch.status in ("completed", "failed", "expired", "cancelled")
            reason = self.teacher.line(f"the batch is {batch.status}{said}")
            return State(ended, reason, was_refused=batch.status == "failed")

        return _asked(self.teacher, state)

    def results(self, provider_id: str) -> Results:
        """See `BatchApi`."""
        batch = _asked(self.teacher, lambda: self.teacher.client.batches.retrieve(provider_id))
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            yield from _unbroken(self.teacher, self._lines(file))

    def _lines(self, file: str) -> Results:
        content = self.teacher.client.files.with_streaming_response.content(file)
        with ExitStack() as stack:
            response = self.teacher.guarded(content.__enter__)
            stack.push(content.__exit__)
            for line in response.iter_lines():
                if line.strip():
                    row = json.loads(line)
                    yield str(row.get("custom_id")), self._result(row)

    def _result(self, row: dict[str, Any]) -> Reply | CallError:
        response, error = row.get("response"), row.get("error") or {}
        if not response:
            said, code = str(error.get("message") or "no reason given"), str(error.get("code") or "error")
            return CallError(self.teacher.line(said), kind=code, retry=True)
        body, status = response.get("body") or {}, int(response.get("status_code") or 0)
        if status == 200:
            return _read(self.teacher, body)
        error = body.get("error") or {}
        return self.teacher.refused(status, str(error.get("message")), {}, code=str(error.get("code")))


@dataclass(frozen=True)
class AnthropicBatches:
    """One call with all requests, one stream of results."""

    teacher: AnthropicTeacher

    def submit(self, name: str, requests: Requests) -> str:
        """See `BatchApi`."""
        listed = [{"custom_id": one, "params": body} for one, body in requests]
        return _submitted(self.teacher, lambda: str(self.teacher.client.messages.batches.create(requests=listed).id))

    def find(self, batch: Batch, skip: Callable[[str], bool]) -> str | None:
        """See `BatchApi`; a batch has no name there, so that time and size must do until there are results."""
        since = batch.sent - timedelta(minutes=10)  # clocks differ

        def found() -> str | None:
            for one in islice(self.teacher.client.messages.batches.list(limit=100), LOOKED_AT):
                counts = one.request_counts
                total = counts.canceled + counts.errored + counts.expired + counts.processing + counts.succeeded
                if one.created_at >= since and total == batch.calls and not skip(one.id):
                    return str(one.id)
            return None

        return _asked(self.teacher, found)

    def state(self, provider_id: str) -> State:
        """See `BatchApi`."""
        batches = self.teacher.client.messages.batches
        has_ended = _asked(self.teacher, lambda: batches.retrieve(provider_id).processing_status == "ended")
        return State(has_ended, "the batch has ended")

    def results(self, provider_id: str) -> Results:
        """See `BatchApi`."""
        return _unbroken(self.teacher, self._rows(provider_id))

    def _rows(self, provider_id: str) -> Results:
        for row in self.teacher.guarded(lambda: self.teacher.client.messages.batches.results(provider_id)):
            yield str(row.custom_id), self._result(row.result)

    def _result(self, result: Any) -> Reply | CallError:
        if result.type == "succeeded":
            return _read(self.teacher, result.message)
        if result.type != "errored":
            return CallError(f"the request {result.type}", kind=result.type, retry=True)
        error = result.error.error
        status = 400 if error.type == "invalid_request_error" else 500
        return self.teacher.refused(status, str(error.message), {})
