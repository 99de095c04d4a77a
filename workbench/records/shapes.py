"""Rows in the shapes people already have, turned into records (the mapping is ours).

A row is recognised by its fields alone, or read as the user says. What has no place in a record stays in
``metadata``, so that nothing a data set says about a problem is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import InputError
from workbench.files import text_hash
from workbench.records.answers import reference_answer
from workbench.records.dialects import Dialect, dialect_of, generic
from workbench.records.fields import (
    CHOICE_KEYS,
    QUESTION_KEYS,
    Content,
    Draft,
    FieldMap,
    Row,
    json_value,
    renamed,
    text_of,
)
from workbench.records.types import Problem, Trace, from_dict

__all__ = ["Origin", "Shape", "describe", "detect", "reference_answer", "to_problem", "to_trace", "to_traces"]

ANSWER_TYPES = ("number", "fraction", "word", "choice", "list", "text", "math")
_OWN = {"workbench.trace": "trace", "workbench.problem": "problem"}
_UNNAMED = ("messages", "prompt-completion", "question-answer", "thinking")
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
    data_set: str | None = None
    """The data set's name where neither the row nor its shape says one."""
    teacher: str | None = None
    """Who wrote the solutions; where neither this nor the row says it, ``reference``."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a row will be read."""

    name: str
    about: str
    """One line for people."""
    fields: dict[str, str]
    """The row's fields that are understood, and as what; all others stay in ``metadata``."""


def detect(row: Row) -> str:
    """Returns the name of the row's shape.

    Raises:
        InputError: listing the row's fields, where no known shape has them.

    >>> detect({"question": "2 + 2?", "answer": "2 + 2 = <<2+2=4>>4\\n#### 4"})
    'gsm8k'
    """
    return _own(row) or _dialect(row).name


def describe(row: Row, fields: FieldMap | None = None) -> Shape:
    """Returns how `to_traces` will read the row, for people to see before long work.

    Raises:
        InputError: as `to_problem`.
    """
    if own := _own(row):
        return Shape(own, f"the workbench's own {own}s", {})
    reading, names = _read(row, fields), dict(fields or {})
    known = dict(reading.content.fields)
    known |= {key: key for key in (*names, "domain", "source", "license", "model") if key in reading.row} | known
    return Shape(reading.name, reading.about, {names.get(key, key): what for key, what in known.items()})


def to_problem(row: Row, origin: Origin | None = None, fields: FieldMap | None = None) -> Problem:
    """Returns the problem a row of any known shape poses.

    The id is ``SOURCE-HASH``, a hash of the question, so that it does not depend on the row's place.

    Args:
        row: its fields.
        origin: what the row does not say.
        fields: what its fields are, where they should not be recognised; see `workbench.records.fields`.

    Raises:
        InputError: where the shape is unknown, a field does not fit, or the question is empty.
    """
    own = _own(row)
    if own == "problem":
        return _with_question(from_dict(Problem, dict(row)))
    if own == "trace":
        return to_trace(row).problem
    return _problem(_read(row, fields), origin or Origin(), fields)


def to_traces(row: Row, origin: Origin | None = None, fields: FieldMap | None = None) -> tuple[Trace, ...]:
    """Returns each solution that the row offers as a trace; it stays unsegmented, in ``reasoning``.

    ``is_correct`` stays unknown: that a data set offers a solution does not prove it.

    Args:
        row: its fields.
        origin: as in `to_problem`.
        fields: as in `to_problem`.

    Raises:
        InputError: as `to_problem`, and where the row has neither a solution nor an answer.
    """
    own = _own(row)
    if own == "trace":
        trace = from_dict(Trace, dict(row))
        _with_question(trace.problem)
        return (trace,)
    if own == "problem":
        raise InputError("a problem without a solution; collect traces for it first")
    reading, origin = _read(row, fields), origin or Origin()
    problem, drafts = _problem(reading, origin, fields), reading.content.drafts
    if not any(draft.reasoning or draft.answer for draft in drafts) and not problem.answer:
        raise InputError("neither a solution nor an answer; collect traces for it first: workbench collect --problems")
    return tuple(_trace(reading.row, problem, sample, draft, origin) for sample, draft in enumerate(drafts))


def to_trace(row: Row, origin: Origin | None = None, fields: FieldMap | None = None) -> Trace:
    """Returns the first of `to_traces`."""
    return to_traces(row, origin, fields)[0]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a row says, and how that was found."""

    name: str
    about: str
    content: Content
    row: Row
    """Its fields, as a user has named them."""


def _own(row: Row) -> str | None:
    schema = row.get("schema")
    return _OWN.get(schema.split("/")[0]) if isinstance(schema, str) else None


def _dialect(row: Row) -> Dialect:
    if found := dialect_of(row):
        return found
    fields = ", ".join(map(str, row)) or "none"
    raise InputError(
        f"no known shape has these fields: {fields}; a row needs one of {', '.join(QUESTION_KEYS)}, "
        "or say which it is: --map question=FIELD"
    )


def _read(row: Row, fields: FieldMap | None) -> _Reading:
    if not fields:
        dialect = _dialect(row)
        return _Reading(dialect.name, dialect.about, dialect.read(row), row)
    row, kept = renamed(row, fields)
    if {"question", "solution"} & fields.keys():
        dialect = generic()
        if not dialect.fits(row):
            said = f"no text but {type(row['question']).__name__}" if "question" in row else "in no known field"
            raise InputError(f"the question is {said}; say which field it is: --map question=FIELD")
    else:
        dialect = _dialect(row)
    content = dialect.read(row)
    name = dialect.name if dialect.name == "mapped" else f"{dialect.name}, mapped"
    return _Reading(name, dialect.about, replace(content, extra={**content.extra, **kept}), row)


def _trace(row: Row, problem: Problem, sample: int, draft: Draft, origin: Origin) -> Trace:
    return Trace(
        id=f"{problem.id}-{sample}", problem=problem, sample=sample,
        teacher=origin.teacher or draft.teacher or "reference", model_version=text_of(row.get("model")) or "",
        reasoning=draft.reasoning, usage=draft.usage, finish_reason=draft.finish_reason,
        answer=draft.answer or (problem.answer if draft.finish_reason == "stop" else None),
    )  # fmt: skip


def _problem(reading: _Reading, origin: Origin, fields: FieldMap | None) -> Problem:
    row, content = reading.row, reading.content
    if not content.question.strip():
        raise InputError("the question is empty")
    said = (content.question, content.reference, *(text for draft in content.drafts for text in _texts(draft)))
    if any("\0" in (text or "") for text in said):
        raise InputError("its text holds NUL characters; the file may be UTF-16 or damaged")
    own_source = None if "source" in content.fields else text_of(row.get("source"))
    unnamed = origin.data_set if content.source in _UNNAMED else None
    source = origin.source or own_source or unnamed or content.source
    choice_key, choices = _listed(row, content.reference) if content.choices is None else ("", content.choices)
    names = {*content.fields, choice_key, "source", "license", "domain", *({"id"} if "id" in (fields or {}) else ())}
    kept = {name: json_value(value) for name, value in row.items() if name not in names and value is not None}
    named_by_hash = f"{_SLUG.sub('-', source.lower()).strip('-')[:40] or 'row'}-{text_hash(content.question)[:12]}"
    return Problem(
        id=(text_of(row["id"]) if "id" in (fields or {}) else None) or named_by_hash,
        question=content.question,
        answer=content.reference,
        domain=origin.domain or text_of(row.get("domain")) or _subject(row, content),
        source=source,
        license=origin.license or text_of(row.get("license")) or "unknown",
        choices=choices,
        metadata=_metadata(kept | json_value(content.extra)),
    )


def _texts(draft: Draft) -> tuple[str | None, str | None]:
    return draft.reasoning, draft.answer


def _metadata(values: dict[str, Any]) -> dict[str, Any]:
    """The values, with those set apart whose name other rooms read and which mean something else here."""
    options, kind = values.get("options"), values.get("answer_type")
    ours = {
        "answer_type": kind in ANSWER_TYPES,
        "options": isinstance(options, list) and all(isinstance(option, str) for option in options),
        "constraints": False,
        "scorer": False,
    }
    return {name if ours.get(name, True) else f"{name} (source)": value for name, value in values.items()}


def _subject(row: Row, content: Content) -> str:
    """The shape's domain; where it has none, the row's subject, which stays in the metadata as well."""
    return content.domain if content.domain != "unknown" else text_of(row.get("subject")) or content.domain


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
