"""What a student was taught: written beside its adapter, read before it is examined or handed on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.curation.text import question_words
from workbench.errors import InputError
from workbench.files import text_hash, write_text
from workbench.records import Problem, Trace
from workbench.students import TRAINING_RECORD, Student


def write_record(folder: Path, traces: Sequence[Trace], settings: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Writes what traces a student learnt from: whose, how many, and the hashes of their questions.

    Args:
        folder: the distilled student's.
        traces: all that it was given.
        settings: how it learnt; JSON values.
        before: the record of its base, which may have been taught as well.
    """
    record = {
        "schema": "workbench.training/1",
        "traces": len(traces),
        "unverified": sum(trace.is_correct is None for trace in traces),
        **{name: _counts(traces, name) for name in ("teacher", "source", "license")},
        "settings": dict(settings),
        "questions": sorted({*map(question_key, (trace.problem for trace in traces)), *before.get("questions", ())}),
    }
    write_text(folder / TRAINING_RECORD, json.dumps(record, indent=1))


def _counts(traces: Sequence[Trace], name: str) -> dict[str, int]:
    names = (trace.teacher if name == "teacher" else getattr(trace.problem, name) for trace in traces)
    return dict(sorted(Counter(names).items()))


def read_record(student: Student) -> dict[str, Any]:
    """Returns the record of a student; empty where there is none, as of students made elsewhere."""
    for folder in (Path(student.name), student.source.path):
        try:
            value = json.loads((folder / TRAINING_RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(value, dict):
            return value
    return {}


def question_key(problem: Problem) -> str:
    """Returns what tells a question from others, whatever its case and spacing."""
    return text_hash(*question_words(problem))[:16]


def untaught(student: Student, problems: Sequence[Problem]) -> list[Problem]:
    """Returns the problems that a student may be examined on: those that it was not taught.

    Raises:
        InputError: where it was taught all of them.
    """
    known = frozenset(read_record(student).get("questions", ()))
    left = [problem for problem in problems if question_key(problem) not in known]
    if problems and not left:
        raise InputError(
            f"{student.name} was taught all {len(problems)} problems, and is not examined on them; "
            f"keep some back, such as with workbench collect --holdout 50"
        )
    return left
