"""OpenAI's Responses API: as chat completions, and with summaries of what the model thought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.teachers.clients import OpenAITeacher, count_of
from workbench.teachers.prompt import INSTRUCTIONS, SCHEMA
from workbench.teachers.teacher import Reply

SUMMARIES = "reasoning summaries"
"""What models that do not think, and accounts that were not verified, turn down; they are asked without it then."""
_STATUS = {"rate_limit_exceeded": 429, "server_error": 500}
"""Codes of a reply that failed, as the status they would have had; all else is the request's own fault."""


@dataclass(frozen=True)
class ResponsesTeacher(OpenAITeacher):
    """A model of OpenAI, or of any server that speaks this protocol."""

    endpoint: str = "/v1/responses"

    @property
    def identity(self) -> str:
        """As for chat completions, and the protocol: a ledger holds answers of one of them."""
        return f"{super().identity}, Responses API"

    def arguments(self, question: str, without: frozenset[str]) -> dict[str, Any]:
        """Returns instructions, question and limit, and structure and summaries where the server takes them."""
        arguments: dict[str, Any] = {
            "model": self.model,
            "instructions": INSTRUCTIONS,
            "input": question,
            "max_output_tokens": self.max_tokens,
            "store": False,
        }
        if "structured output" not in without:
            arguments["text"] = {
                "format": {"type": "json_schema", "name": "solution", "schema": SCHEMA, "strict": True}
            }
        if SUMMARIES not in without:
            arguments["reasoning"] = {"summary": "auto"}
        if self.temperature is not None:
            arguments["temperature"] = self.temperature
        return arguments

    def unsupported(self, said: str) -> str:
        """As the class above; the summaries can be left out, too."""
        return SUMMARIES if "reasoning" in said.lower() else super().unsupported(said)

    def _create(self, arguments: dict[str, Any]) -> Any:
        return self.client.responses.create(**arguments)

    @property
    def _reply_class(self) -> Any:
        return self._sdk.types.responses.Response

    def _usage(self, response: Any) -> dict[str, Any]:
        usage = getattr(response, "usage", None)
        return {
            "model_version": self._clean(str(response.model or self.model))[:200],
            "input_tokens": count_of(usage, "input_tokens"),
            "output_tokens": count_of(usage, "output_tokens"),
        }

    def _outcome(self, response: Any, **known: Any) -> Reply:
        if error := getattr(response, "error", None):
            status = _STATUS.get(str(getattr(error, "code", "")), 400)
            raise self._failed_inside(status, str(getattr(error, "message", None) or error))
        parts = [part for item in response.output if item.type == "message" for part in item.content]
        text = "".join(part.text for part in parts if part.type == "output_text")
        if response.status == "incomplete":
            why = getattr(response.incomplete_details, "reason", None)
            cut = why == "max_output_tokens"
            return self._cut_off(text, **known) if cut else self._declined(text or str(why), **known)
        if refusals := [part.refusal for part in parts if part.type == "refusal"]:
            return self._declined("".join(refusals), **known)
        return self._answer(text, _thoughts(response.output), **known)


def _thoughts(output: list[Any]) -> str:
    """Summaries in order, a paragraph each; the thoughts themselves where a server of one's own gives them."""
    items = [item for item in output if item.type == "reasoning"]
    texts = [part.text for item in items for part in (item.content or item.summary or ())]
    return "\n\n".join(text for text in texts if isinstance(text, str))
