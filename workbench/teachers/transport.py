"""HTTP as a teacher's clients are given it, and what its failures mean.

Servers may send without end, or redirect: nothing is read without a bound, and nothing, the key least of all, is sent
to another address than the one that was named.
"""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import Any

from workbench.teachers.teacher import CallError

MOST_BYTES = 8_000_000
"""Of a reply, unpacked; the longest that models write are a few hundred thousand."""
LONGEST = 3
"""Time-outs that a whole reply may take, where the server still sends something now and then."""

_NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError", "InvalidURL"}
_RETRIED = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_MAY_BE_BILLED = {408, 502, 504, 520, 522, 524}
"""A gateway lost the answer; the model behind it may have written one."""


def http_client(sdk: Any, timeout_s: float) -> Any:
    """Returns the client library's own kind of HTTP client, with bounds.

    Args:
        sdk: the `openai` or `anthropic` module; both bring an HTTP client with their own defaults.
        timeout_s: seconds without a sign of life.
    """

    class Bounded(sdk.DefaultHttpxClient):  # type: ignore[name-defined,misc]
        """Reads replies to an end that it sets itself."""

        def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            """As the class above; what is streamed is read elsewhere, piece by piece."""
            end = time.monotonic() + LONGEST * timeout_s
            response = super().send(request, stream=True, **options)
            if stream:
                return response
            try:
                body = _whole(response, end)
            finally:
                response.close()
            unpacked = {b"content-encoding", b"content-length", b"transfer-encoding"}
            # As bytes: a header that is no ASCII would not go back into one.
            headers = [(name, value) for name, value in response.headers.raw if name.lower() not in unpacked]
            return type(response)(response.status_code, headers=headers, content=body, request=request)

    return Bounded(timeout=timeout_s, follow_redirects=False)


def _whole(response: Any, end: float) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            reason = f"the server sends more than {MOST_BYTES:,} bytes"
            raise CallError(reason, kind="flood", retry=False, may_be_billed=True)
        if time.monotonic() > end:
            raise CallError("the server drips", kind="time-out", retry=True, may_be_billed=True)
    return bytes(body)


def status_error(status: int, said: str, headers: Any, *, is_final: bool = False) -> CallError:
    """Returns what a status code means: whether to try again and when, and whether it may cost.

    Args:
        status: of HTTP, or the one that a server puts into its reply.
        said: what the server says, without secrets.
        headers: of the reply.
        is_final: where trying again cannot help whatever the code.
    """
    return CallError(
        said,
        kind=f"status {status}",
        retry=(status in _RETRIED or status >= 500) and not is_final,
        may_be_billed=status in _MAY_BE_BILLED,
        wait_s=retry_after(headers),
    )


def was_sent(error: BaseException) -> bool:
    """False where a connection failed before anything went out."""
    return error.__cause__ is None or type(error.__cause__).__name__ not in _NOT_SENT


def retry_after(headers: Any) -> float | None:
    """Returns the seconds that a server asks to wait, which it says as a number or as a date (RFC 9110, 10.2.3).

    >>> retry_after({"retry-after": "2.5"}), retry_after({"retry-after": "-1"}), retry_after({"retry-after": "soon"})
    (2.5, 0.0, None)
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
