"""Teachers behind an API, through the providers' own clients.

Retries are not left to the clients: each attempt must be reserved in the ledger before it is made.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

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
from workbench.teachers.transport import http_client, status_error, was_sent

OVERHEAD_TOKENS = 400
"""Added to the bytes of what is sent for the worst case: roles, separators, a provider's own system text."""
LONGEST_KEPT = 50_000
"""Characters of a reply that is no answer, or of thoughts."""
MOST_TOKENS = 10_000_000
"""No model takes more in one call; a server that reports more is not believed."""
LONGEST_QUESTION = 60_000
"""Bytes; longer prompts are priced otherwise."""

_STRUCTURE = (
    "response_format", "text.format", "schema", "output_config", "structured output", "output format",
    "additionalproperties",
)  # fmt: skip
"""What complaints call the request for structure."""
NO_REPLY = (ValueError, AttributeError, TypeError, LookupError, RecursionError)
T = TypeVar("T")


@dataclass(frozen=True)
class ApiTeacher(ABC):
    """What both providers' teachers share: how a call is made, and what its failures mean."""

    model: str
    price: Price
    base_url: str
    key: Key
    max_tokens: int
    timeout_s: float
    temperature: float | None = None
    provider: str = ""
    _client_class: str = ""
    is_batched: bool = False
    """Whether it is asked by the provider's batch API."""
    without: set[str] = field(default_factory=set, compare=False, repr=False)
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
        if refusal := self.refusal(question):
            return refusal
        without = frozenset(self.without)
        try:
            response = self.guarded(lambda: self._create(self.arguments(question, without)), without)
        except NO_REPLY as error:
            return self._garbled(error)
        reply = self.read(response)
        return replace(reply, created=datetime.now(UTC).isoformat(timespec="seconds"))

    def refusal(self, question: str) -> Reply | None:
        """Returns why a question is not sent; ``None`` where it is."""
        if len(question.encode(errors="replace")) <= LONGEST_QUESTION:
            return None
        reason = f"the question is longer than {LONGEST_QUESTION:,} bytes; shorten it"
        return Reply(outcome="refused", reason=reason, input_tokens=0, output_tokens=0)

    def read(self, response: Any) -> Reply:
        """Reads what the client returned, or a batch's file holds.

        Raises:
            CallError: where it is an error in the clothes of a reply.
        """
        known: dict[str, Any] = {"teacher": self.name, "prompt_version": PROMPT_VERSION}
        try:
            response = self._typed(response)
            known |= self._usage(response)
            return self._outcome(response, **known)
        except NO_REPLY as error:
            return self._garbled(error, **known)

    @cached_property
    @abstractmethod
    def _sdk(self) -> Any:
        """The provider's module of clients and errors."""

    @cached_property
    def client(self) -> Any:
        """The provider's client; its own retries are off, since the ledger would not know of them."""
        kind = getattr(self._sdk, self._client_class)
        http = http_client(self._sdk, self.timeout_s)
        settings = {"base_url": self.base_url, "max_retries": 0, "timeout": self.timeout_s, "http_client": http}
        return kind(api_key=self.key.reveal(), **settings)

    @abstractmethod
    def arguments(self, question: str, without: frozenset[str]) -> dict[str, Any]:
        """Returns what is sent; ``without`` names what the server turned out not to take."""

    @abstractmethod
    def _create(self, arguments: dict[str, Any]) -> Any:
        """Makes one call."""

    @property
    @abstractmethod
    def _reply_class(self) -> Any:
        """The client's class of replies."""

    @abstractmethod
    def _usage(self, response: Any) -> dict[str, Any]:
        """Reads the model's version and what was billed."""

    @abstractmethod
    def _outcome(self, response: Any, **known: Any) -> Reply:
        """Reads what the model wrote."""

    def _typed(self, response: Any) -> Any:
        """JSON under another content type comes as text, and that of a batch as a dictionary."""
        value = json.loads(response) if isinstance(response, str) else response
        return self._reply_class.construct(**value) if isinstance(value, dict) else value

    def guarded(self, work: Callable[[], T], without: frozenset[str] = frozenset()) -> T:
        """Does something with the client.

        Args:
            work: what to do.
            without: what was left out of the request already.

        Raises:
            CallError: where the client complains; its text holds no secret.
        """
        try:
            return work()
        except self._sdk.APITimeoutError as error:
            reason, sent = f"no reply within {self.timeout_s:g} s", was_sent(error)
            raise CallError(reason, kind="time-out", retry=True, may_be_billed=sent) from None
        except self._sdk.APIConnectionError as error:
            if isinstance(error.__cause__, CallError):
                raise error.__cause__ from None
            sent = was_sent(error)
            what = f"the reply of {self.base_url} broke off" if sent else f"no connection to {self.base_url}"
            reason = self.line(f"{what}: {error.__cause__ or error}")
            raise CallError(reason, kind="connection", retry=True, may_be_billed=sent) from None
        except self._sdk.APIStatusError as error:
            code = str(getattr(error, "code", ""))
            headers = error.response.headers
            raise self.refused(int(error.status_code), str(error), headers, code=code, without=without) from None
        except self._sdk.APIError as error:
            raise ValueError(self.line(str(error))) from None

    def refused(
        self, status: int, said: str, headers: Any, *, code: str = "", without: frozenset[str] = frozenset()
    ) -> CallError:
        """Returns what a status code means; learns what the server does not take."""
        if status in (400, 422) and (part := self.unsupported(said)) and part not in without:
            self.without.add(part)
            return CallError(self.line(said), kind=part, retry=True, wait_s=0.0)
        if 300 <= status < 400:  # never followed: the key would go with it
            said = f"redirected to {headers.get('location', 'nowhere')}; give that as the base URL"
        return status_error(status, self.line(said), headers, is_final="insufficient_quota" in said + code)

    def unsupported(self, said: str) -> str:
        """Returns the part of a request that a server complains of and that can be left out, or an empty text."""
        said = said.lower()
        if "max_completion_tokens" in said:
            return "max_tokens"
        return "structured output" if any(name in said for name in _STRUCTURE) else ""

    def _garbled(self, error: BaseException, **known: Any) -> Reply:
        """A server that is no such API answers with anything, and the client hands it through."""
        reason = self.line(f"the server's answer is no {self.provider} reply: {error}")
        return Reply(outcome="malformed", reason=reason, **known)

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
        return Reply(outcome="refused", reason=self.line(text or "no reason given"), text=text, **known)

    def _clean(self, text: str) -> str:
        """Text from outside as it may be written down: without the key, and with whole characters only."""
        return self.key.hidden(text.encode(errors="replace").decode())

    def line(self, text: str) -> str:
        """One short line of it; cut after cleaning, since half a key is a secret as well."""
        return first_line(ValueError(self._clean(text)))


@dataclass(frozen=True)
class OpenAITeacher(ApiTeacher):
    """Chat completions of OpenAI, or of any server that speaks them."""

    provider: str = "openai"
    _client_class: str = "OpenAI"
    is_official: bool = True
    """OpenAI's own models take the limit under another name."""
    endpoint: str = "/v1/chat/completions"
    """Where requests of a batch go."""

    @cached_property
    def _sdk(self) -> Any:
        import openai

        return openai

    def arguments(self, question: str, without: frozenset[str]) -> dict[str, Any]:
        """Returns a chat's two messages, its limit, and the structure where the server takes one."""
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
        return arguments

    def _create(self, arguments: dict[str, Any]) -> Any:
        return self.client.chat.completions.create(**arguments)

    @property
    def _reply_class(self) -> Any:
        return self._sdk.types.chat.ChatCompletion

    def _usage(self, response: Any) -> dict[str, Any]:
        usage = getattr(response, "usage", None)
        return {
            "model_version": self._clean(str(response.model or self.model))[:200],
            "input_tokens": count_of(usage, "prompt_tokens"),
            "output_tokens": _written(usage),
        }

    def _outcome(self, response: Any, **known: Any) -> Reply:
        if not response.choices and (error := getattr(response, "error", None)):
            raise self._error_inside(error)
        choice = response.choices[0]
        message = choice.message
        text = _joined(message.content)
        if choice.finish_reason == "length":
            return self._cut_off(text, **known)
        if getattr(message, "refusal", None) or choice.finish_reason == "content_filter":
            return self._declined(getattr(message, "refusal", None) or text or "content filter", **known)
        thoughts = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
        return self._answer(text, thoughts if isinstance(thoughts, str) else None, **known)

    def _error_inside(self, error: Any) -> CallError:
        """Routers in front of several providers report a failure of these with status 200."""
        fields = error if isinstance(error, dict) else {"message": str(error)}
        code = fields.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 502
        return self._failed_inside(status, str(fields.get("message") or "no reason given"))

    def _failed_inside(self, status: int, said: str) -> CallError:
        found = self.refused(status, said, {})
        found.may_be_billed = True
        return found


@dataclass(frozen=True)
class AnthropicTeacher(ApiTeacher):
    """Anthropic's messages."""

    provider: str = "anthropic"
    _client_class: str = "Anthropic"

    @cached_property
    def _sdk(self) -> Any:
        import anthropic

        return anthropic

    def arguments(self, question: str, without: frozenset[str]) -> dict[str, Any]:
        """Returns a message, its limit, and the structure where the server takes one."""
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
        return arguments

    def _create(self, arguments: dict[str, Any]) -> Any:
        return self.client.messages.create(**arguments)

    @property
    def _reply_class(self) -> Any:
        return self._sdk.types.Message

    def _usage(self, response: Any) -> dict[str, Any]:
        usage = getattr(response, "usage", None)
        parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        counted = [count_of(usage, part) for part in parts]
        return {
            "model_version": self._clean(str(response.model or self.model))[:200],
            "input_tokens": None if counted[0] is None else sum(filter(None, counted)),
            "output_tokens": count_of(usage, "output_tokens"),
        }

    def _outcome(self, response: Any, **known: Any) -> Reply:
        text = "".join(block.text for block in response.content if block.type == "text")
        if response.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return self._cut_off(text, **known)
        if response.stop_reason == "refusal":
            return self._declined(text, **known)
        thoughts = "\n".join(block.thinking for block in response.content if block.type == "thinking")
        return self._answer(text, thoughts, **known)


def _joined(content: Any) -> str:
    """The text of a message; some servers send it in parts."""
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else getattr(part, "text", None) for part in content)
        return "".join(part for part in parts if isinstance(part, str))
    return content or ""


def count_of(usage: Any, name: str) -> int | None:
    """Returns a number of tokens that a server reports; ``None`` for none, and for what can be none."""
    value = getattr(usage, name, None)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if is_count else None


def _written(usage: Any) -> int | None:
    """Completion tokens; some servers count thoughts in the total alone."""
    written, read, total = (count_of(usage, name) for name in ("completion_tokens", "prompt_tokens", "total_tokens"))
    return written if written is None or read is None or total is None else max(written, total - read)
