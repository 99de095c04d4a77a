"""Every call to a paid teacher, written down before it is made: what it may cost, what it cost, what came.

A SQLite file beside the output. A call is reserved at its worst case before it is sent and settled when its
outcome is known; a reservation that a killed process left behind counts as spent, since nobody knows. Calls of a
batch outlive the process: they stay reserved until the provider says what became of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import StorageError, first_line
from workbench.teachers.teacher import Reply

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    teacher TEXT NOT NULL,
    task TEXT NOT NULL,
    request TEXT NOT NULL,
    problem_id TEXT NOT NULL,
    sample INTEGER NOT NULL,
    sent TEXT NOT NULL,
    price_in REAL NOT NULL,
    price_out REAL NOT NULL,
    reserved_nano_usd INTEGER NOT NULL,
    state TEXT NOT NULL,
    cost_nano_usd INTEGER,
    ended TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    reason TEXT,
    reply TEXT,
    batch TEXT
);
CREATE INDEX IF NOT EXISTS calls_of_a_task ON calls (task);
CREATE TABLE IF NOT EXISTS batches (
    name TEXT PRIMARY KEY,
    provider_id TEXT,
    calls INTEGER NOT NULL,
    sent TEXT NOT NULL,
    ended TEXT
);
PRAGMA user_version = 2;
"""
_CALL = "id, teacher, task, request, problem_id, sample, price_in, price_out, reserved_nano_usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is known of a call before it is made."""

    teacher: str
    """Its identity."""
    task: str
    """Hash of teacher, question and sample: answered once, it is never asked again."""
    request: str
    """Hash of all that is sent: a final failure is not tried again unless something changes."""
    problem_id: str
    sample: int
    price_in: float
    price_out: float
    most_nano_usd: int
    excess: float = 1.0
    """How many times the worst case by token counts that is; known while the call is in flight."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that were, or are about to be, handed to a provider together."""

    name: str
    """Ours; it is in the id of each of its calls, by which they are known again."""
    provider_id: str | None
    """``None`` where the process died, or the line broke, before the provider's answer came."""
    calls: int
    sent: datetime


class Ledger:
    """The calls of one collection, for one process at a time.

    Raises:
        StorageError: where the file cannot be used, or another process uses it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        with self._storage():
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._data = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=1.0)
            # Locked by this process alone: no shared-memory file, which some mounted disks cannot have.
            self._data.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._data.execute("PRAGMA journal_mode = WAL")
            # Not even a power cut may take a reservation back whose call went out.
            self._data.execute("PRAGMA synchronous = FULL")
            if self._data.execute("PRAGMA user_version").fetchone() == (1,):
                self._data.execute("ALTER TABLE calls ADD COLUMN batch TEXT")
            self._data.executescript(_SCHEMA)
            self.orphans = self._data.execute(
                "UPDATE calls SET state = 'orphaned', cost_nano_usd = reserved_nano_usd"
                " WHERE state = 'reserved' AND batch IS NULL"
            ).rowcount
            """Calls that were in flight when an earlier process died."""
            spent, reserved = self._data.execute(
                "SELECT coalesce(sum(cost_nano_usd), 0),"
                " coalesce(sum(CASE state WHEN 'reserved' THEN reserved_nano_usd END), 0) FROM calls"
            ).fetchone()
        self.spent: int = spent
        """Billionths of a dollar, over all runs."""
        self.reserved: int = reserved
        """Billionths of a dollar that calls in flight may cost."""

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StorageError(f"{self._path} is in use by another collection; wait for it") from error
            raise StorageError(
                f"cannot use {self._path}: {first_line(error)}; free some space and run again"
            ) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"{self._path} is no ledger ({first_line(error)}); choose another --out or move it away"
            ) from error

    def close(self) -> None:
        """Closes the file."""
        self._data.close()

    def reserve(self, call: Call, batch: str | None = None) -> int:
        """Writes down a call that is about to be made, at its worst case, and returns its number."""
        values = (call.teacher, call.task, call.request, call.problem_id, call.sample, _now(), call.price_in,
                  call.price_out, call.most_nano_usd, batch)  # fmt: skip
        with self._storage():
            number = self._data.execute(
                "INSERT INTO calls (teacher, task, request, problem_id, sample, sent, price_in, price_out,"
                " reserved_nano_usd, batch, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')",
                values,
            ).lastrowid
        self.reserved += call.most_nano_usd
        return int(number or 0)

    def settle(self, number: int, call: Call, cost_nano_usd: int, reply: Reply) -> None:
        """Writes down what a call brought and what it cost."""
        values = (reply.outcome, cost_nano_usd, _now(), reply.input_tokens, reply.output_tokens, reply.reason,
                  msgspec.json.encode(reply).decode(), number)  # fmt: skip
        with self._storage():
            self._data.execute(
                "UPDATE calls SET state = ?, cost_nano_usd = ?, ended = ?, input_tokens = ?, output_tokens = ?,"
                " reason = ?, reply = ? WHERE id = ?",
                values,
            )
        self.reserved -= call.most_nano_usd
        self.spent += cost_nano_usd

    def reply(self, task: str) -> tuple[Reply, str] | None:
        """Returns a task's answer, or else its latest reply, with the request that it belongs to."""
        with self._storage():
            row = self._data.execute(
                "SELECT reply, request FROM calls WHERE task = ? AND reply IS NOT NULL"
                " ORDER BY state = 'answered' DESC, id DESC LIMIT 1",
                (task,),
            ).fetchone()
        return (msgspec.json.decode(row[0], type=Reply), row[1]) if row else None

    def is_open(self, task: str) -> bool:
        """True where a task is in a batch whose end is not known yet."""
        query = "SELECT 1 FROM calls WHERE task = ? AND state = 'reserved'"
        with self._storage():
            return self._data.execute(query, (task,)).fetchone() is not None

    def reserve_batch(self, name: str, calls: Sequence[Call]) -> list[int]:
        """Writes down a batch that is about to be sent with all of its calls, or nothing, and returns their numbers."""
        before = self.reserved
        try:
            with self._transaction():
                query = "INSERT INTO batches (name, calls, sent) VALUES (?, ?, ?)"
                self._data.execute(query, (name, len(calls), _now()))
                return [self.reserve(call, name) for call in calls]
        except BaseException:
            self.reserved = before
            raise

    def sent_batch(self, name: str, provider_id: str | None) -> None:
        """Writes down what the provider calls a batch."""
        with self._storage():
            self._data.execute("UPDATE batches SET provider_id = ? WHERE name = ?", (provider_id, name))

    def end_batch(self, name: str) -> None:
        """Writes down that all calls of a batch are settled."""
        with self._storage():
            self._data.execute("UPDATE batches SET ended = ? WHERE name = ?", (_now(), name))

    def open_batches(self) -> list[Batch]:
        """Returns the batches that have not ended, oldest first."""
        query = "SELECT name, provider_id, calls, sent FROM batches WHERE ended IS NULL ORDER BY rowid"
        with self._storage():
            rows = self._data.execute(query).fetchall()
        return [
            Batch(name, provider_id, calls, datetime.fromisoformat(sent)) for name, provider_id, calls, sent in rows
        ]

    def knows_batch(self, provider_id: str) -> bool:
        """True where one of the batches is known to be that of the provider."""
        with self._storage():
            found = self._data.execute("SELECT 1 FROM batches WHERE provider_id = ?", (provider_id,))
            return found.fetchone() is not None

    def open_call(self, batch: str, number: int) -> Call | None:
        """Returns a call of a batch where it is not settled."""
        query = f"SELECT {_CALL} FROM calls WHERE id = ? AND batch = ? AND state = 'reserved'"
        with self._storage():
            row = self._data.execute(query, (number, batch)).fetchone()
        return _call(row)[1] if row else None

    def open_calls(self, batch: str) -> Iterator[tuple[int, Call]]:
        """Yields the calls of a batch that are not settled, by number; they may be settled meanwhile."""
        query = f"SELECT {_CALL} FROM calls WHERE batch = ? AND state = 'reserved' AND id > ? ORDER BY id LIMIT 1"
        number = -1
        while True:
            with self._storage():
                row = self._data.execute(query, (batch, number)).fetchone()
            if row is None:
                return
            number, call = _call(row)
            yield number, call

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._storage():
            self._data.execute("BEGIN")
            try:
                yield
                self._data.execute("COMMIT")
            except BaseException:
                self._data.execute("ROLLBACK")
                raise

    def teachers(self) -> list[str]:
        """Returns the identities of the teachers that have answered, or are about to."""
        with self._storage():
            query = "SELECT DISTINCT teacher FROM calls WHERE state IN ('answered', 'reserved') ORDER BY teacher"
            return [name for (name,) in self._data.execute(query)]

    def mean_output_tokens(self) -> float | None:
        """Returns what a reply took on average so far."""
        with self._storage():
            query = "SELECT avg(output_tokens) FROM calls WHERE output_tokens IS NOT NULL"
            (mean,) = self._data.execute(query).fetchone()
        return None if mean is None else float(mean)


def ledger_path(out: Path) -> Path:
    """Returns where the ledger of an output lies.

    >>> ledger_path(Path("own/traces.jsonl.gz")).name
    'traces.ledger.sqlite'
    """
    return out.with_name(f"{out.name.split('.')[0]}.ledger.sqlite")


def _call(row: tuple[Any, ...]) -> tuple[int, Call]:
    number, teacher, task, request, problem_id, sample, price_in, price_out, most = row
    return number, Call(
        teacher=teacher, task=task, request=request, problem_id=problem_id, sample=sample, price_in=price_in,
        price_out=price_out, most_nano_usd=most,
    )  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
