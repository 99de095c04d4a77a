"""Every call to a paid teacher, written down before it is made: what it may cost, what it cost, what came.

A SQLite file beside the output. A call is reserved at its worst case before it is sent and settled when its
outcome is known; a reservation that a killed process left behind counts as spent, since nobody knows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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
    reply TEXT
);
CREATE INDEX IF NOT EXISTS calls_of_a_task ON calls (task);
PRAGMA user_version = 1;
"""


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
            self._data.execute("PRAGMA synchronous = NORMAL")
            self._data.executescript(_SCHEMA)
            orphaned = "UPDATE calls SET state = 'orphaned', cost_nano_usd = reserved_nano_usd WHERE state = 'reserved'"
            self.orphans = self._data.execute(orphaned).rowcount
            """Calls that were in flight when an earlier process died."""
            (spent,) = self._data.execute("SELECT coalesce(sum(cost_nano_usd), 0) FROM calls").fetchone()
        self.spent: int = spent
        """Billionths of a dollar, over all runs."""
        self.reserved = 0
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

    def reserve(self, call: Call) -> int:
        """Writes down a call that is about to be made, at its worst case, and returns its number."""
        values = (call.teacher, call.task, call.request, call.problem_id, call.sample, _now(), call.price_in,
                  call.price_out, call.most_nano_usd)  # fmt: skip
        with self._storage():
            number = self._data.execute(
                "INSERT INTO calls (teacher, task, request, problem_id, sample, sent, price_in, price_out,"
                " reserved_nano_usd, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')",
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

    def teachers(self) -> list[str]:
        """Returns the identities of the teachers that have answered."""
        with self._storage():
            rows = self._data.execute("SELECT DISTINCT teacher FROM calls WHERE state = 'answered' ORDER BY teacher")
            return [name for (name,) in rows]

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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
