"""What a row's fields are called, and their values as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import InputError

Row = Mapping[str, Any]
FieldMap = Mapping[str, str]
"""What a user says a row's fields are: one of `TARGETS`, and the field, as ``doc.text`` where it is nested."""

QUESTION_KEYS = ("question", "problem", "quiz", "query", "instruction", "input", "prompt")
BODY_KEYS = ("body",)
ANSWER_KEYS = ("answer", "final_answer", "answer_value", "target", "label", "solution_text", "output", "response")
SOLUTION_KEYS = ("solution", "rationale", "explanation", "completion")
CHOICE_KEYS = ("choices", "options")
TARGETS = ("question", "answer", "solution", "choices", "domain", "source", "license", "id", "level", "model")
"""What ``--map`` can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One solution that a row offers."""

    reasoning: str | None = None
    answer: str | None = None
    """What this solution ends in, right or wrong; ``None`` where it states nothing."""
    teacher: str | None = None
    """Who wrote it, where the row says so."""
    finish_reason: str = "stop"
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a row says, whatever it was called there."""

    question: str
    fields: dict[str, str]
    """The row's fields that were understood, and as what."""
    drafts: tuple[Draft, ...] = (Draft(),)
    reference: str | None = None
    source: str
    domain: str = "unknown"
    choices: tuple[str, ...] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def question_key(row: Row) -> str | None:
    """Returns the row's field that holds the question, if there is one."""
    return next((key for key in named(row, QUESTION_KEYS) if isinstance(row[key], str)), None)


def asked(row: Row) -> str:
    """Returns the row's question, after the text that it is about (SVAMP, ASDiv); empty where it has none."""
    question = str(row.get(question_key(row) or "", "")).strip()
    body = next((row[key].strip() for key in named(row, BODY_KEYS) if isinstance(row[key], str)), "")
    return question if body in question else f"{body} {question}".strip()


def first(row: Row, names: Sequence[str]) -> tuple[str, str | None]:
    """Returns the first of the named fields that holds a value: its key in the row, and its text."""
    found = ((key, text_of(row[key])) for key in named(row, names))
    return next(((key, text) for key, text in found if text), ("", None))


def named(row: Row, names: Iterable[str]) -> list[str]:
    """Returns the row's keys that match the names, in the names' order and whatever their case."""
    keys = {key.lower(): key for key in row if isinstance(key, str)}
    return [keys[name] for name in names if name in keys]


def is_list(value: Any) -> bool:
    """True for a list of any kind, not for a text."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def text_of(value: Any) -> str | None:
    """Returns a scalar, or a list of scalars, as people write it; ``None`` for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float):
        return str(value) if value != "" else None
    if is_list(value) and value and all(isinstance(item, str | int | float) for item in value):
        return "[" + ", ".join(text_of(item) or "" for item in value) + "]"
    return None


def json_value(value: Any) -> Any:
    """Returns the value with whatever JSON cannot say (a date, a decimal, an image's bytes) as a text."""
    if isinstance(value, Mapping):
        return {str(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(inner) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def check_map(fields: FieldMap) -> None:
    """Checks what a user says the fields are.

    Raises:
        InputError: where a row's field is given to something that no record has.
    """
    for target in fields:
        if target not in TARGETS:
            raise InputError(f"{target}={fields[target]}: a field can become one of {', '.join(TARGETS)}")


def renamed(row: Row, fields: FieldMap) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the row under the names that the user gave, and what had those names before.

    Raises:
        InputError: naming the field that the row does not have, and those that it has.
    """
    values = {target: _at(row, path) for target, path in fields.items()}
    moved = {path.split(".")[0] for path in fields.values()} & row.keys()
    taken = {key for key in row if key.lower() in values and key not in moved}
    rest = {key: value for key, value in row.items() if key not in moved | taken}
    nested = {path.split(".")[0] for path in fields.values() if path not in row}
    kept = {f"{key} (unused)": row[key] for key in taken} | {key: row[key] for key in nested}
    return rest | values, kept


def _at(row: Row, path: str) -> Any:
    """The value of a field; a dot leads into an object, and a number into a list."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif is_list(value) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise InputError(f"no field {path!r}; the row has {', '.join(map(str, row)) or 'none'}")
    return value
