"""A pool's rows in light form: what scoring and selection need, without the texts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.curation.contamination import HeldOut
from workbench.curation.filters import Defect
from workbench.curation.text import is_number, question_words, template
from workbench.files import text_hash
from workbench.records import Trace, rendered_text

SKETCH = 12
"""Words per question that stand for its vocabulary."""
_LEVELS = {"easy": 1.0, "medium": 2.0, "hard": 3.0}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One row of the pool. Its ``index`` counts the pool's good lines from 0."""

    index: int
    id: str
    problem_id: str
    domain: str
    source: str
    license: str
    teacher: str
    stage: str = ""
    """The stage that dropped it; empty while it is still in."""
    defect: Defect | None = None
    question_hash: bytes = b""
    content_hash: bytes = b""
    is_verified: bool = False
    has_check: bool = False
    length: int = 0
    """Characters of the rendered trace."""
    structure: tuple[float, ...] = ()
    """What `workbench.curation.difficulty` scores."""
    features: tuple[str, ...] = ()
    """Strategy, level, opening and words: see `features`."""
    gram_ids: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()
    word_count: int = 0

    def drop(self, stage: str, reason: str, detail: str = "") -> None:
        """Notes which stage dropped the row, and why."""
        self.stage, self.defect = stage, Defect(reason, detail)


def candidate(index: int, trace: Trace) -> Candidate:
    """Returns the row's name tags alone."""
    problem = trace.problem
    return Candidate(
        index=index, id=trace.id, problem_id=problem.id, domain=problem.domain, source=problem.source,
        license=problem.license, teacher=trace.teacher,
    )  # fmt: skip


def describe(row: Candidate, trace: Trace, is_verified: bool, held_out: HeldOut) -> None:
    """Fills in what the later stages read, so that the texts need not stay in memory."""
    question = question_words(trace.problem)
    numbers = [word for word in question if is_number(word)]
    text = rendered_text(trace)
    row.question_hash = bytes.fromhex(text_hash(*question))[:16]
    row.content_hash = bytes.fromhex(text_hash(trace.problem.question, text))[:16]
    row.is_verified = is_verified
    row.has_check = any(step.role == "check" for step in trace.steps)
    row.length = len(text)
    level = _level(trace.problem.metadata)
    largest = max((len(number.split(".")[0]) for number in numbers), default=0)
    steps = len(trace.steps) or (trace.reasoning or "").count("\n") + 1
    row.structure = (level, float(steps), float(largest), float(len(numbers)), float(len(trace.problem.question)))
    row.features = features(trace, question, level)
    row.gram_ids = held_out.gram_ids(question)
    row.numbers = tuple(numbers) if row.gram_ids else ()
    row.word_count = len(question)


def features(trace: Trace, question: Sequence[str], level: float) -> tuple[str, ...]:
    """Returns what makes rows alike: strategy, level and opening, then a sketch of the vocabulary.

    The sketch is the question's words with the smallest hashes: two questions share as much of it as
    they share of their words, and common words lose their worth in `workbench.curation.selection`.
    """
    strategy = next((step.text for step in trace.steps if step.role == "strategy"), trace.reasoning or "")
    plain = sorted({word for word in question if len(word) > 2 and not is_number(word)}, key=_word_hash)[:SKETCH]
    opening = " ".join("#" if is_number(word) else word for word in question[:5])
    named = (f"strategy {template(strategy, 8)}", f"level {trace.problem.source} {level}", f"opening {opening}")
    return (*named, *(f"word {word}" for word in plain))


@lru_cache(maxsize=100_000)
def _word_hash(word: str) -> tuple[int, str]:
    return zlib.crc32(word.encode(errors="replace")), word


def _level(metadata: dict[str, object]) -> float:
    """The level as a number, NaN where there is none."""
    value = metadata.get("level", metadata.get("difficulty"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        number = _NUMBER.search(value)
        return float(number.group()) if number else _LEVELS.get(value.strip().lower(), float("nan"))
    return float("nan")
