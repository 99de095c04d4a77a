"""Rows in the shapes people already have, turned into records (the mapping is ours).

A row is recognised by its fields alone. What has no place in a record stays in ``metadata``, so that
nothing a data set says about a problem is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.errors import InputError
from workbench.files import text_hash
from workbench.records.types import Problem, Trace, from_dict

Row = Mapping[str, Any]
Shape = Literal["trace", "problem", "gsm8k", "math", "s1k", "choices", "messages", "prompt", "question"]

QUESTION_KEYS = ("question", "problem", "quiz", "query", "instruction", "input", "prompt")
ANSWER_KEYS = ("answer", "final_answer", "answer_value", "target", "label", "solution_text", "output", "response")
SOLUTION_KEYS = ("solution", "rationale", "explanation", "completion")
CHOICE_KEYS = ("choices", "options")
_OWN = {"workbench.trace": "trace", "workbench.problem": "problem"}
_MESSAGE_KEYS = ("messages", "conversations", "conversation")
_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "developer": "system"}

_CALCULATOR_MARK = re.compile(r"<<[^<>\n]*>>")
_HASHES = re.compile(r"^####[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_ANSWER_LINE = re.compile(r"^[ \t*#]*(?:Final )?Answer:[ \t*]*(.+?)[ \t*]*$", re.MULTILINE | re.IGNORECASE)
_THOUGHTS = re.compile(r"^\s*<think>(.*?)</think>\s*", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
_BOXED_TOKEN = re.compile(r"\\boxed\s+([^\s$.,;]+)")
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a foreign file does not say of itself; ``None`` leaves it to the row."""

    source: str | None = None
    """The data set's name, in place of the shape's."""
    domain: str | None = None
    """The domain of every row."""
    license: str | None = None
    """The licence of every row, as the Hub spells it."""
    teacher: str = "reference"
    """Who wrote the solutions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What a row says, whatever it was called there."""

    question: str
    used: tuple[str, ...]
    solution: str | None = None
    reference: str | None = None
    given: str | None = None
    source: str
    domain: str = "unknown"
    choices: tuple[str, ...] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def detect(row: Row) -> Shape:
    """Returns the name of the row's shape.

    Raises:
        InputError: listing the row's fields, where no known shape has them.

    >>> detect({"question": "2 + 2?", "answer": "2 + 2 = <<2+2=4>>4\\n#### 4"})
    'gsm8k'
    """
    schema = row.get("schema")
    if isinstance(schema, str) and schema.split("/")[0] in _OWN:
        return _OWN[schema.split("/")[0]]  # type: ignore[return-value]
    if any(isinstance(row.get(key), Sequence) and not isinstance(row[key], str) for key in _MESSAGE_KEYS):
        return "messages"
    if _question_key(row) is None:
        fields = ", ".join(map(str, row)) or "none"
        raise InputError(f"no known shape has these fields: {fields}; a row needs one of {', '.join(QUESTION_KEYS)}")
    if "answer_option_list" in row:
        return "choices"
    if "thinking_trajectories" in row or any(key.endswith("_thinking_trajectory") for key in row):
        return "s1k"
    if isinstance(row.get("answer"), str) and _HASHES.search(row["answer"]):
        return "gsm8k"
    if "problem" in row and isinstance(row.get("solution"), str):
        return "math"
    return "prompt" if "prompt" in row and "completion" in row else "question"


def to_problem(row: Row, origin: Origin | None = None) -> Problem:
    """Returns the problem a row of any known shape poses.

    The id is ``SOURCE-HASH``, a hash of the question, so that it does not depend on the row's place.

    Raises:
        InputError: where the shape is unknown, a field does not fit, or the question is empty.
    """
    shape = detect(row)
    if shape == "problem":
        return _with_question(from_dict(Problem, dict(row)))
    if shape == "trace":
        return to_trace(row).problem
    return _problem(row, _content(shape, row), origin or Origin())


def to_trace(row: Row, origin: Origin | None = None) -> Trace:
    """Returns the row's solution as a trace; it stays unsegmented, in ``reasoning``.

    ``is_correct`` stays unknown: that a data set offers a solution does not prove it.

    Raises:
        InputError: as `to_problem`, and where the row has neither a solution nor an answer.
    """
    shape = detect(row)
    if shape == "trace":
        trace = from_dict(Trace, dict(row))
        _with_question(trace.problem)
        return trace
    if shape == "problem":
        raise InputError("a problem without a solution; collect traces for it first")
    origin = origin or Origin()
    content = _content(shape, row)
    problem = _problem(row, content, origin)
    answer = content.given or content.reference
    if not answer and not content.solution:
        raise InputError("neither a solution nor an answer; read it as a problem")
    model = _text(row.get("model")) or ""
    return Trace(
        id=f"{problem.id}-0", problem=problem, teacher=origin.teacher, model_version=model,
        reasoning=content.solution, answer=answer,
    )  # fmt: skip


def reference_answer(text: str) -> str | None:
    """Returns the final answer a solution states: its last balanced box, ``#### x``, or ``Answer: x``.

    >>> reference_answer(r"so $x = \\boxed{\\frac{1}{2}}$.")
    '\\\\frac{1}{2}'
    """
    for mark in reversed(list(_BOX.finditer(text))):
        inner = _balanced(text, mark.end())
        if inner is not None and inner.strip():
            return inner.strip()
    for pattern in (_BOXED_TOKEN, _HASHES, _ANSWER_LINE):
        if found := pattern.findall(text):
            return str(found[-1]).strip() or None
    return None


def _balanced(text: str, start: int) -> str | None:
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
            if depth == 0:
                return text[start + 1 : place]
    return None


def _problem(row: Row, content: _Content, origin: Origin) -> Problem:
    source = origin.source or _text(row.get("source")) or content.source
    choice_key, choices = _listed(row, content.reference) if content.choices is None else ("", content.choices)
    names = {*content.used, choice_key, "source", "license", "domain"}
    kept = {name: _json_value(value) for name, value in row.items() if name not in names}
    problem = Problem(
        id=f"{_SLUG.sub('-', source.lower()).strip('-')[:40] or 'row'}-{text_hash(content.question)[:12]}",
        question=content.question,
        answer=content.reference,
        domain=origin.domain or _text(row.get("domain")) or _subject(row, content),
        source=source,
        license=origin.license or _text(row.get("license")) or "unknown",
        choices=choices,
        metadata={**{name: value for name, value in kept.items() if value is not None}, **content.extra},
    )
    return _with_question(problem)


def _subject(row: Row, content: _Content) -> str:
    """The shape's domain; where it has none, the row's subject, which stays in the metadata as well."""
    return content.domain if content.domain != "unknown" else _text(row.get("subject")) or content.domain


def _listed(row: Row, reference: str | None) -> tuple[str, tuple[str, ...] | None]:
    """A plain list of options and its key, where the answer is known to be one of them by letter or text.

    An answer that is a position is left alone: some data sets count from 0 and others from 1.
    """
    key = next((key for key in CHOICE_KEYS if isinstance(row.get(key), (list, tuple))), "")
    texts = tuple(option.strip() for option in row.get(key, ()) if isinstance(option, str) and option.strip())
    if len(texts) < 2 or len(texts) != len(row[key]):
        return "", None
    answers = {text.lower() for text in texts} | {chr(ord("a") + place) for place in range(min(len(texts), 26))}
    return (key, texts) if reference is None or reference.strip(" ().").lower() in answers else ("", None)


def _with_question(problem: Problem) -> Problem:
    if not problem.question.strip():
        raise InputError("the question is empty")
    return problem


def _content(shape: Shape, row: Row) -> _Content:
    readers: dict[str, Callable[[Row], _Content]] = {
        "gsm8k": _gsm8k, "math": _math, "s1k": _s1k, "choices": _choices, "messages": _messages,
        "prompt": _question, "question": _question,
    }  # fmt: skip
    return readers[shape](row)


def _gsm8k(row: Row) -> _Content:
    text = _CALCULATOR_MARK.sub("", row["answer"])
    solution = _HASHES.sub("", text).strip()
    return _Content(
        question=_asked(row), used=(_question_key(row) or "", "answer"), source="gsm8k", domain="mathematics",
        solution=solution or None, reference=reference_answer(text),
    )  # fmt: skip


def _math(row: Row) -> _Content:
    reference = _first(row, ANSWER_KEYS)[1] or reference_answer(row["solution"])
    return _Content(
        question=_asked(row), used=("problem", "solution", "answer"), source="math", domain="mathematics",
        solution=row["solution"].strip() or None, reference=reference,
    )  # fmt: skip


def _s1k(row: Row) -> _Content:
    thought_keys = [key for key in row if key.endswith("_thinking_trajectory")]
    thoughts = row.get("thinking_trajectories") or next((row[key] for key in thought_keys if row[key]), None)
    attempts = ["attempt", *(key.replace("_thinking_trajectory", "_attempt") for key in thought_keys)]
    attempt = _first(row, attempts)[1]
    if isinstance(thoughts, (list, tuple)):
        thoughts = "\n".join(map(str, thoughts))
    return _Content(
        question=_asked(row), used=("question", "solution", "thinking_trajectories", *thought_keys, *attempts),
        source=_text(row.get("source_type")) or "s1k", domain=_text(row.get("cot_type")) or "unknown",
        solution=_text(thoughts), reference=_stated(_text(row.get("solution"))), given=_stated(attempt),
    )  # fmt: skip


def _choices(row: Row) -> _Content:
    options = [option for group in row["answer_option_list"] for option in group]
    analysis = row.get("answer_analysis")
    text = "\n".join(map(str, analysis)) if isinstance(analysis, (list, tuple)) else _text(analysis)
    return _Content(
        question=_asked(row), used=("problem", "answer_option_list", "answer_value", "answer_analysis"),
        source="tal_scq5k" if "queId" in row else "choices", domain="mathematics",
        solution=(text or "").strip() or None, reference=_text(row.get("answer_value")),
        choices=tuple(str(option["content"]).strip() for option in options),
    )  # fmt: skip


def _messages(row: Row) -> _Content:
    key = next(key for key in _MESSAGE_KEYS if isinstance(row.get(key), Sequence) and not isinstance(row[key], str))
    turns = [_turn(message) for message in row[key]]
    places = [place for place, (role, _, _) in enumerate(turns) if role == "user"]
    if not places:
        raise InputError(f"{key} has no user turn")
    last = max([place for place in places if any(role == "assistant" for role, _, _ in turns[place:])] or places)
    reply = next(((text, thoughts) for role, text, thoughts in turns[last:] if role == "assistant"), ("", None))
    system = "\n".join(text for role, text, _ in turns if role == "system")
    history = [{"role": role, "content": text} for role, text, _ in turns[:last] if role != "system"]
    extra: dict[str, Any] = {"system": system} if system else {}
    content = _replied(turns[last][1], *reply)
    return replace(content, used=(key,), source="messages", extra=extra | ({"history": history} if history else {}))


def _turn(message: Any) -> tuple[str, str, str | None]:
    """Returns role, text and thoughts of one message, in OpenAI's or in ShareGPT's spelling."""
    if not isinstance(message, Mapping):
        raise InputError("a message is not an object with role and content")
    role = str(message.get("role", message.get("from", "")))
    content = message.get("content", message.get("value"))
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return _ROLES.get(role, role), _text(content) or "", _text(thoughts)


def _replied(question: str, reply: str, thoughts: str | None) -> _Content:
    """A user's question and an assistant's reply, which may begin with its thoughts."""
    if thoughts is None and (found := _THOUGHTS.match(reply)):
        thoughts, reply = found.group(1), reply[found.end() :]
    answer = _stated(reply)
    spoken = "\n".join(part for part in ((thoughts or "").strip(), reply.strip()) if part)
    solution = spoken if thoughts or answer != reply.strip() else None
    return _Content(question=question.strip(), used=(), source="", solution=solution or None, reference=answer)


def _question(row: Row) -> _Content:
    key, answer_key, solution_key = _question_key(row) or "", _first(row, ANSWER_KEYS)[0], _first(row, SOLUTION_KEYS)[0]
    shared: dict[str, Any] = {"used": (key, answer_key, solution_key), "source": "question-answer"}
    answer, solution = _first(row, ANSWER_KEYS)[1], _first(row, SOLUTION_KEYS)[1]
    if answer is None or solution is None:
        if solution_key == "completion":
            shared["source"] = "prompt-completion"
        return replace(_replied(_asked(row), answer or solution or "", None), **shared)
    return _Content(question=_asked(row), solution=solution.strip() or None, reference=answer.strip(), **shared)


def _stated(text: str | None) -> str | None:
    """The answer a text states, or the text itself where it is one short line."""
    text = (text or "").strip()
    short = text if len(text) <= 200 and "\n" not in text else None
    return reference_answer(text) or short or None


def _question_key(row: Row) -> str | None:
    return next((key for key in _named(row, QUESTION_KEYS) if isinstance(row[key], str)), None)


def _asked(row: Row) -> str:
    return str(row[_question_key(row) or ""]).strip()


def _first(row: Row, names: Sequence[str]) -> tuple[str, str | None]:
    """The first of the named fields that holds a value: its key in the row, and its text."""
    found = ((key, _text(row[key])) for key in _named(row, names))
    return next(((key, text) for key, text in found if text), ("", None))


def _named(row: Row, names: Sequence[str]) -> list[str]:
    """The row's keys that match the names, in the names' order and whatever their case."""
    keys = {key.lower(): key for key in row if isinstance(key, str)}
    return [keys[name] for name in names if name in keys]


def _text(value: Any) -> str | None:
    """A scalar as people write it; ``None`` for what is no scalar."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None


def _json_value(value: Any) -> Any:
    """The value with whatever JSON cannot say (a date, a decimal) as its text."""
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(inner) for inner in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
