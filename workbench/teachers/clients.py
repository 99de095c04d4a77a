"""Teachers behind an API, through the providers' own clients.

Retries are not left to the clients: each attempt must be reserved in the ledger before it is made.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from workbench.errors import first_line
from workbench.records import Problem
from workbench.teachers.prices import Price
from workbench.teachers.prompt import (
    INSTRUCTIONS,
    PROMPT_VERSION,
    SCHEMA,
    parse,
    question_text,
    split_thoughts,
)
from workbench.teachers.secrets import Key
from workbench.teachers.teacher import CallError, Reply, Tokens

OVERHEAD_TOKENS = 400
"""Added to the bytes of what is sent for the worst case: roles, separators, a provider's own system text."""
LONGEST_KEPT = 50_000
"""Characters of a reply that is no answer, or of thoughts."""
MOST_TOKENS = 1_000_000_000
"""No call takes more; a server that reports more is not believed."""
LONGEST_QUESTION = 60_000
"""Bytes; longer prompts are priced otherwise."""

_NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError", "InvalidURL"}
_RETRIED = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_MAY_BE_BILLED = {408, 502, 504, 520, 522, 524}
"""A gateway lost the answer; the model behind it may have written one."""


@dataclass(frozen=True)
class ApiTeacher(ABC):
    """What both providers' teachers share; `_send` differs."""

    model: str
    price: Price
    base_url: str
    key: Key
    max_tokens: int
    timeout_s: float
    temperature: float | None = None
    provider: str = ""
    _without: set[str] = field(default_factory=set, compare=False, repr=False)
    """What the server turned out not to take; the structure is asked for in words as well."""

    @property
    def name(self) -> str:
        """Provider and model."""
        return f"{self.provider}:{self.model}"

    @property
    def identity(self) -> str:
        """Where, which and with what prompt."""
        sampling = "" if self.temperature is None else f", temperature {self.temperature:g}"
        return f"{self.name} at {self.base_url}, prompt {PROMPT_VERSION}{sampling}"

    def most(self, problem: Problem) -> Tokens:
        """Returns the worst case: no tokenizer makes more tokens than a text has bytes."""
        sent = len((INSTRUCTIONS + question_text(problem) + repr(SCHEMA)).encode(errors="replace"))
        return Tokens(sent + OVERHEAD_TOKENS, self.max_tokens)

    def ask(self, problem: Problem, sample: int) -> Reply:
        """Asks once.

        Raises:
            CallError: where no reply came.
        """
        question = question_text(problem)
        if len(question.encode(errors="replace")) > LONGEST_QUESTION:
            reason = f"the question is longer than {LONGEST_QUESTION:,} bytes; shorten it"
            return Reply(outcome="refused", reason=reason, input_tokens=0, output_tokens=0)
        try:
            reply = self._read(self._called(question, frozenset(self._without)))
        except (ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
            # A server that is no such API answers with anything, and the client hands it through.
            reason = f"the server's answer is no {self.provider} reply: {first_line(error)}"
            reply = Reply(outcome="malformed", reason=self._clean(reason))
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(reply, teacher=self.name, prompt_version=PROMPT_VERSION, created=stamp)

    @cached_property
    @abstractmethod
    def _sdk(self) -> Any:
        """The provider's module of clients and errors."""

    @abstractmethod
    def _send(self, question: str, without: frozenset[str]) -> Any:
        """Makes one call; ``without`` names what the server turned out not to take."""

    @abstractmethod
    def _read(self, response: Any) -> Reply:
        """Reads what `_send` returned."""

    def _called(self, question: str, without: frozenset[str]) -> Any:
        """Makes a call and turns the client's exceptions into `CallError`."""
        try:
            return self._send(question, without)
        except self._sdk.APITimeoutError as error:
            reason, sent = f"no reply within {self.timeout_s:g} s", _was_sent(error)
            raise CallError(reason, kind="time-out", retry=True, may_be_billed=sent) from None
        except self._sdk.APIConnectionError as error:
            cause = first_line(error.__cause__ or error)
            reason = self._clean(f"no connection to {self.base_url}: {cause}")
            raise CallError(reason, kind="connection", retry=True, may_be_billed=_was_sent(error)) from None
        except self._sdk.APIStatusError as error:
            raise self._refused(error, without) from None

    def _refused(self, error: Any, without: frozenset[str]) -> CallError:
        """What a status code means, and whether to try again."""
        status, said = int(error.status_code), self._clean(first_line(error))
        if status in (400, 422) and (part := _unsupported(str(error))) and part not in without:
            self._without.add(part)
            return CallError(said, kind=part, retry=True, wait_s=0.0)
        out_of_money = "insufficient_quota" in str(getattr(error, "code", "")) or "insufficient_quota" in said
        return CallError(
            said,
            kind=f"status {status}",
            retry=(status in _RETRIED or status >= 500) and not out_of_money,
            may_be_billed=status in _MAY_BE_BILLED,
            wait_s=_retry_after(error.response.headers),
        )

    def _answer(self, text: str, thoughts: str | None, **known: Any) -> Reply:
        """Reads the JSON that a model wrote."""
        inner, text = split_thoughts(self._clean(text))
        try:
            solution = parse(text)
        except ValueError as error:
            return Reply(outcome="malformed", reason=first_line(error), text=text[:LONGEST_KEPT], **known)
        reasoning = self._clean(thoughts or inner or "")[:LONGEST_KEPT].strip() or None
        answer = str(solution.answer).strip()
        return Reply(outcome="answered", steps=solution.trace_steps(), answer=answer, reasoning=reasoning, **known)

    def _cut_off(self, text: str, **known: Any) -> Reply:
        reason = f"cut off after {self.max_tokens:,} tokens, thoughts included; raise --max-tokens"
        return Reply(outcome="cut off", reason=reason, text=self._clean(text)[:LONGEST_KEPT], **known)

    def _declined(self, text: str, **known: Any) -> Reply:
        text = self._clean(text)[:LONGEST_KEPT]
        return Reply(outcome="refused", reason=first_line(ValueError(text or "no reason given")), text=text, **known)

    def _clean(self, text: str) -> str:
        """Text from outside as it may be written down: without the key, and with whole characters only."""
        return self.key.hidden(text.encode(errors="replace").decode())


@dataclass(frozen=True)
class OpenAITeacher(ApiTeacher):
    """Chat completions of OpenAI, or of any server that speaks them."""

    provider: str = "openai"
    is_official: bool = True
    """OpenAI's own models take the limit under another name."""

    @cached_property
    def _sdk(self) -> Any:
        import openai

        return openai

    @cached_property
    def _client(self) -> Any:
        return self._sdk.OpenAI(
            api_key=self.key.reveal(), base_url=self.base_url, max_retries=0, timeout=self.timeout_s
        )

    def _send(self, question: str, without: frozenset[str]) -> Any:
        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": question}],
        }
        newer = self.is_official or "max_tokens" in without
        arguments["max_completion_tokens" if newer else "max_tokens"] = self.max_tokens
        if "structured output" not in without:
            schema = {"name": "solution", "schema": SCHEMA, "strict": True}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self.temperature is not None:
            arguments["temperature"] = self.temperature
        return self._client.chat.completions.create(**arguments)

    def _read(self, response: Any) -> Reply:
        choice, usage = response.choices[0], response.usage
        message = choice.message
        known = {
            "model_version": self._clean(str(response.model or self.model))[:200],
            "input_tokens": _count(getattr(usage, "prompt_tokens", None)),
            "output_tokens": _written(usage),
        }
        text = message.content or ""
        if choice.finish_reason == "length":
            return self._cut_off(text, **known)
        if getattr(message, "refusal", None) or choice.finish_reason == "content_filter":
            return self._declined(getattr(message, "refusal", None) or text or "content filter", **known)
        thoughts = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
        return self._answer(text, thoughts if isinstance(thoughts, str) else None, **known)


@dataclass(frozen=True)
class AnthropicTeacher(ApiTeacher):
    """Anthropic's messages."""

    provider: str = "anthropic"

    @cached_property
    def _sdk(self) -> Any:
        import anthropic

        return anthropic

    @cached_property
    def _client(self) -> Any:
        return self._sdk.Anthropic(
            api_key=self.key.reveal(), base_url=self.base_url, max_retries=0, timeout=self.timeout_s
        )

    def _send(self, question: str, without: frozenset[str]) -> Any:
        arguments: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "system": INSTRUCTIONS,
            "messages": [{"role": "user", "content": question}],
        }
        if "structured output" not in without:
            arguments["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if self.temperature is not None:
            arguments["temperature"] = self.temperature
        return self._client.messages.create(**arguments)

    def _read(self, response: Any) -> Reply:
        usage = response.usage
        parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        counted = [_count(getattr(usage, part, None)) for part in parts]
        known = {
            "model_version": self._clean(str(response.model or self.model))[:200],
            "input_tokens": None if counted[0] is None else sum(filter(None, counted)),
            "output_tokens": _count(getattr(usage, "output_tokens", None)),
        }
        text = "".join(block.text for block in response.content if block.type == "text")
        if response.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return self._cut_off(text, **known)
        if response.stop_reason == "refusal":
            return self._declined(text, **known)
        thoughts = "\n".join(block.thinking for block in response.content if block.type == "thinking")
        return self._answer(text, thoughts, **known)


def _unsupported(said: str) -> str:
    """The part of a request that a server complains of and that can be left out, or an empty text."""
    said = said.lower()
    if "max_completion_tokens" in said:
        return "max_tokens"
    named = ("response_format", "schema", "output_config", "structured output", "output format", "additionalproperties")
    return "structured output" if any(name in said for name in named) else ""


def _was_sent(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is None or type(cause).__name__ not in _NOT_SENT


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if is_count else None


def _written(usage: Any) -> int | None:
    """Completion tokens; some servers count thoughts in the total alone."""
    written, read, total = (
        _count(getattr(usage, name, None)) for name in ("completion_tokens", "prompt_tokens", "total_tokens")
    )
    return written if written is None or read is None or total is None else max(written, total - read)


def _retry_after(headers: Any) -> float | None:
    """The seconds that a server asks to wait, as a number or as a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
