"""A server on this computer that speaks both providers' protocols over real sockets, and fails on demand.

What it does to a question stands in the question: ``[429x2] what is 3 + 4?`` is turned away twice.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workbench.records import Problem

KEY = "sk-planted-0123456789abcdef"
INPUT_TOKENS, OUTPUT_TOKENS = 120, 80
_FAULT = re.compile(r"\[([\w-]+?)(?:x(\d+))?\]")
_SUM = re.compile(r"(\d+) \+ (\d+)")
_JSON = "application/json"
BODIES = {
    "html": (b"<html>busy</html>", "text/html"),
    "nothing": (b"", _JSON),
    "number": (b"42", _JSON),
    "list": (b"[]", _JSON),
    "half-json": (b'{"id": "c", "choices": [{"mess', _JSON),
    "strings": (b'{"choices": ["a", "b"], "content": ["a"], "usage": "much", "model": ["x"]}', _JSON),
    "not-utf8": (b'{"choices": "\xff\xfe"}', _JSON),
    "deep": (b"[" * 100_000, _JSON),
    "gzip-garbage": (b"\x1f\x8bgarbage", _JSON, "", "gzip"),
    "bomb": (gzip.compress(b" " * 20_000_000), _JSON, "", "gzip"),
}
"""Replies that are none: what is sent, and as what."""
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
RAW = {
    "stall": _OK + b"Content-Length: 500\r\n\r\n",
    "half-head": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "short": _OK + b'Content-Length: 99999\r\n\r\n{"id": "c", "choices": []}',
    "negative-length": _OK + b"Content-Length: -5\r\n\r\n{}",
    "junk-chunks": _OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n0\r\n\r\n",
    "endless-chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\nhello",
    "no-http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "huge-head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n{}",
}
"""What comes over the line instead of HTTP; the first two are held open."""
USAGES = {
    "lie": (10**40, -3),
    "negative": (-5, -5),
    "nan": (float("nan"), float("inf")),
    "words": ("many", True),
    "over": (INPUT_TOKENS, 5_000),
}
"""Tokens in and out that cannot be, or, last, that pass the limit that was asked for."""


class FaultyServer(ThreadingHTTPServer):
    """Counts what it was asked and what it would bill."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler or Handler)
        self.lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.billed: Counter[str] = Counter()
        self.bodies: list[dict] = []
        self.keys: set[str] = set()
        self.paths: set[str] = set()
        self.always = ""
        """A fault for every call."""
        self.delay_s = 0.0
        self.retry_after = "1"
        self.elsewhere = ""
        """Where a redirect leads."""
        self.flooded = 0
        self.busy = self.busiest = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:
        """Clients that are killed leave broken pipes behind."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def log_message(self, *arguments) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = asked_of(body)
        with server.lock:
            server.asked[question] += 1
            server.bodies.append(body)
            server.paths.add(self.path)
            server.keys.add(self.headers.get("x-api-key") or self.headers.get("Authorization", ""))
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
        try:
            time.sleep(server.delay_s)
            self.answer(body, question, self.fault(question))
        finally:
            with server.lock:
                server.busy -= 1

    def fault(self, question: str) -> str:
        """A fault with a number ends after so many calls."""
        if found := _FAULT.search(question):
            name, times = found.groups()
            return name if times is None or self.server.asked[question] <= int(times) else ""
        return self.server.always

    def answer(self, body: dict, question: str, fault: str) -> None:
        if fault.isdigit():
            said = f"the key {self.headers.get('x-api-key') or self.headers.get('Authorization')} is none" * (
                fault == "401"
            )
            return self.send(int(fault), {"error": {"type": "error", "message": said or f"failure {fault}"}}, fault)
        if fault == "quota":
            return self.send(429, {"error": {"message": "no money left", "code": "insufficient_quota"}}, "")
        if fault == "unstructured" and {"response_format", "output_config", "text"} & set(body):
            said = "response_format, output_config and text.format are not supported"
            return self.send(400, {"error": {"message": said}}, "")
        if fault == "thoughtless" and "reasoning" in body:
            said = "Unsupported parameter: 'reasoning.summary' is not supported with this model."
            return self.send(400, {"error": {"message": said, "param": "reasoning.summary"}}, "")
        if fault == "hang":
            time.sleep(5)
        if fault == "redirect":
            self.send_response(307)
            self.send_header("Location", f"{self.server.elsewhere}{self.path}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if fault == "vanish":
            self.close_connection = True
            return None
        with self.server.lock:
            self.server.billed[question] += 1
        if fault in RAW:
            self.wfile.write(RAW[fault])
            self.wfile.flush()
            time.sleep(3 * (fault in ("stall", "half-head")))
            self.close_connection = True
            return None
        if fault in BODIES:
            return self.send_bytes(200, *BODIES[fault])
        if fault == "flood":
            return self.flood()
        if fault == "drip":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
            return None
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"half": ')
            self.wfile.flush()
            self.close_connection = True
            return None
        value = REPLIES[self.path.rpartition("/")[2]](self.text(question, fault), fault)
        kind = "text/plain" if fault == "plain" else "application/json"
        return self.send_bytes(200, json.dumps(value).encode(), kind)

    def flood(self) -> None:
        """A body without an end, as fast as it is read."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.close_connection = True
        for _ in range(1_000):
            self.wfile.write(b" " * 1_000_000)
            self.server.flooded += 1_000_000

    def text(self, question: str, fault: str) -> str:
        left, right = map(int, _SUM.search(question).groups())
        total = left + right + (fault == "wrong")
        value = {
            "strategy": "Add the two numbers.",
            "steps": [f"{left} + {right} = {total}"],
            "check": f"{total} - {right} = {left}",
            "answer": str(total),
        }
        text = json.dumps(value)
        secret = self.headers.get("x-api-key") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        return {
            "malformed": "Let me think. It is " + str(total),
            "schema": json.dumps({"answer": total}),
            "length": text[:40],
            "refusal": "I cannot help with that.",
            "half": text.replace("Add", "\ud83d Add"),
            "long": "x" * 1_000_000,
            "echo": text.replace("Add the", f"{secret} Add the"),
            "fence": f"<think>easy {secret}</think>\n```json\n{text}\n```",
        }.get(fault, text)

    def send(self, status: int, value: dict, fault: str) -> None:
        self.send_bytes(status, json.dumps(value).encode(), "application/json", fault)

    def send_bytes(self, status: int, data: bytes, kind: str, fault: str = "", encoding: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(data)))
        if fault == "429":
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(data)


def chat(text: str, fault: str) -> dict:
    usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": 200}
    if fault in USAGES:
        usage = dict(zip(("prompt_tokens", "completion_tokens"), USAGES[fault], strict=True))
    content = {"role": "assistant", "content": None, "refusal": text} if fault == "refusal" else {
        "role": "assistant", "content": text, "refusal": None}  # fmt: skip
    content |= {"null": {"content": None}, "parts": {"content": [{"type": "text", "text": text}]},
                "thoughts": {"reasoning_content": "a sum"}}.get(fault, {})  # fmt: skip
    reason = "length" if fault == "length" else "stop"
    choice = {"index": 0, "finish_reason": reason, "message": content}
    return {
        "id": "c", "object": "chat.completion", "created": 1, "model": "tiny-2026",
        "choices": [] if fault == "empty" else [choice], "usage": None if fault == "no-usage" else usage,
    }  # fmt: skip


def message(text: str, fault: str) -> dict:
    reason = {"length": "max_tokens", "refusal": "refusal"}.get(fault, "end_turn")
    usage = {"input_tokens": INPUT_TOKENS - 20, "cache_read_input_tokens": 20, "output_tokens": OUTPUT_TOKENS}
    if fault in USAGES:
        usage = dict(zip(("input_tokens", "output_tokens"), USAGES[fault], strict=True))
    thoughts = {"type": "thinking", "thinking": "a sum", "signature": "s"}
    content = {"empty": [], "null": None}.get(fault, [thoughts, {"type": "text", "text": text}])
    return {
        "id": "m", "type": "message", "role": "assistant", "model": "tiny-2026", "stop_reason": reason,
        "content": content, "usage": {} if fault == "no-usage" else usage,
    }  # fmt: skip


def response(text: str, fault: str) -> dict:
    """As `openai.types.responses.Response` has it."""
    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS, "total_tokens": 200}
    if fault in USAGES:
        usage = dict(zip(("input_tokens", "output_tokens"), USAGES[fault], strict=True))
    said = {"type": "refusal", "refusal": text} if fault == "refusal" else {"type": "output_text", "text": text}
    summary = [{"type": "summary_text", "text": part} for part in ("a sum", "checked twice")]
    thoughts = [] if fault == "thoughtless" else [{"type": "reasoning", "id": "rs", "summary": summary}]
    written = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [said]}
    status, why, error = "completed", None, None
    if fault in ("length", "filtered"):
        status, why = "incomplete", {"reason": {"length": "max_output_tokens", "filtered": "content_filter"}[fault]}
    if fault == "failed":
        status, error, written = "failed", {"code": "server_error", "message": "upstream failed"}, {"type": "none"}
    return {
        "id": "r", "object": "response", "created_at": 1, "model": "tiny-2026", "status": status, "error": error,
        "incomplete_details": why, "output": None if fault == "null" else [] if fault == "empty" else
        [*thoughts, written], "usage": None if fault == "no-usage" else usage,
    }  # fmt: skip


REPLIES = {"completions": chat, "responses": response, "messages": message}
"""By the end of the path."""


def asked_of(body: dict) -> str:
    """The question of a request, whatever its protocol."""
    return body["input"] if "input" in body else body["messages"][-1]["content"]


@contextmanager
def running(server: FaultyServer) -> Iterator[FaultyServer]:
    """Serves meanwhile."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server():
    """The server, running."""
    with running(FaultyServer()) as found:
        yield found


@pytest.fixture(autouse=True)
def planted_key(monkeypatch):
    """A key in the environment; no test may find it anywhere else."""
    for provider in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{provider}_API_KEY", KEY)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


def sums(count: int, fault: str = "", answered: bool = True) -> list[Problem]:
    """Small problems with their answers."""
    lead = f"[{fault}] " if fault else ""
    return [
        Problem(id=f"{fault}{i}", question=f"{lead}what is {i} + 7?", answer=str(i + 7) if answered else None)
        for i in range(count)
    ]
