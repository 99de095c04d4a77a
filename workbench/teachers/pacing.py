"""How fast a server is asked, and how long to wait after it failed.

How many calls may be in flight rises by one a round trip and halves where the server is full (additive increase,
multiplicative decrease: Chiu and Jain 1989). How long to wait is decided by tenacity's strategies. Its loop is not
used: it sleeps inside the call that it repeats, while here each attempt is another call, which must be reserved in
the ledger by the one thread that may, and whose place others take while it waits.
"""

from __future__ import annotations

import time

from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exception, wait_random_exponential

from workbench.teachers.teacher import CallError

LONGEST_WAIT_S = 300.0
"""A server that asks for a longer pause is asked no more."""
FULL = {"status 429", "status 529"}
"""Kinds of failure that mean too many calls."""


def _asked_s(error: BaseException) -> float:
    return (isinstance(error, CallError) and error.wait_s) or 0.0


# What the server asks for is waited for in full. The jitter is "full jitter": windows of 1, 2, 4 … 60 s.
_WAIT = wait_exception(_asked_s) + wait_random_exponential(multiplier=1.0, max=60.0)


class Retries:
    """The attempts for one answer.

    >>> retries = Retries(attempts=2)
    >>> busy = CallError("busy", kind="status 429", retry=True, wait_s=3.0)
    >>> wait_s = retries.wait_s(busy)
    >>> 3.0 <= wait_s <= 4.0, retries.wait_s(busy)
    (True, None)
    """

    def __init__(self, attempts: int) -> None:
        self._state = RetryCallState(Retrying(stop=stop_after_attempt(attempts), wait=_WAIT), None, (), {})

    def wait_s(self, error: CallError) -> float | None:
        """Returns the seconds until the next attempt; ``None`` where there is none."""
        if not error.retry or _asked_s(error) > LONGEST_WAIT_S:
            return None
        self._state.set_exception((type(error), error, None))
        if self._state.retry_object.stop(self._state):
            return None
        wait_s = float(self._state.retry_object.wait(self._state))
        self._state.prepare_for_next_attempt()
        return wait_s


class Pace:
    """How many calls may be in flight, and whether another may be sent now."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._halved = self._paused_until = -1.0

    @property
    def limit(self) -> int:
        """Calls in flight, at most."""
        return int(self._limit)

    @property
    def pause_s(self) -> float:
        """Seconds until anything may be sent."""
        return max(0.0, self._paused_until - time.monotonic())

    def replied(self) -> None:
        """A call went well."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def failed(self, error: CallError, sent: float) -> None:
        """A call that was sent at ``sent`` (monotonic seconds) failed."""
        now = time.monotonic()
        # Calls of one round trip are turned away together: that is one sign, not many.
        if error.kind in FULL and sent > self._halved:
            self._limit, self._halved = max(1.0, self._limit / 2), now
        if error.wait_s and error.wait_s <= LONGEST_WAIT_S:
            self._paused_until = max(self._paused_until, now + error.wait_s)
