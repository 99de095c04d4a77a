"""What the later stages need to know of a trace, taken while its text is at hand."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

from workbench.curation.columns import SKETCH, Row
from workbench.curation.filters import CHARACTERS_PER_TOKEN
from workbench.curation.quality import check_strength, soundness
from workbench.curation.text import is_number, template
from workbench.files import text_hash
from workbench.records import Trace, rendered_text

_LEVELS = {"easy": 1.0, "medium": 2.0, "hard": 3.0}
_HIGHEST = 1e6
"""Of a level that means anything; larger ones, infinity among them, are some other number."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def describe(trace: Trace, question: Sequence[str], is_verified: bool) -> Row:
    """Returns the row of a trace.

    Args:
        trace: that passed the filters.
        question: its words, from `workbench.curation.text.question_words`.
        is_verified: whether its answer is known to be right.
    """
    problem = trace.problem
    numbers = [word for word in question if is_number(word)]
    text = rendered_text(trace)
    level = _level(problem.metadata)
    largest = max((len(number.split(".")[0]) for number in numbers), default=0)
    steps = len(trace.steps) or (trace.reasoning or "").count("\n") + 1
    strategy = template(_strategy(trace), 8)
    size = len(f"{problem.question}\n{text}".encode(errors="replace"))
    return Row(
        domain=problem.domain, source=problem.source, license=problem.license, teacher=trace.teacher,
        strategy=strategy, features=features(trace, question, level, strategy),
        structure=(level, float(steps), float(largest), float(len(numbers)), float(len(problem.question))),
        length=len(text), tokens=-(-size // CHARACTERS_PER_TOKEN), is_verified=is_verified,
        has_check=any(step.role == "check" for step in trace.steps),
        question_length=len(problem.question) + sum(map(len, problem.choices or ())),
        question_hash=question_hash(question), content_hash=bytes.fromhex(text_hash(problem.question, text))[:16],
        soundness=soundness(trace), check=check_strength(trace),
    )  # fmt: skip


def question_hash(question: Sequence[str]) -> bytes:
    """Returns 16 bytes that equal questions share, whatever their case, spacing and marks."""
    return bytes.fromhex(text_hash(*question))[:16]


def features(trace: Trace, question: Sequence[str], level: float, strategy: str) -> tuple[str, ...]:
    """Returns what makes rows alike: strategy, level and opening, then a sketch of the vocabulary.

    The sketch is the question's words with the smallest hashes: two questions share as much of it as
    they share of their words, and common words lose their worth in `workbench.curation.selection`.
    """
    plain = sorted({word for word in question if len(word) > 2 and not is_number(word)}, key=_word_hash)[:SKETCH]
    opening = " ".join("#" if is_number(word) else word for word in question[:5])
    named = (f"strategy {strategy}", f"level {trace.problem.source} {level}", f"opening {opening}")
    return (*named, *(f"word {word}" for word in plain))


def _strategy(trace: Trace) -> str:
    return next((step.text for step in trace.steps if step.role == "strategy"), trace.reasoning or "")


@lru_cache(maxsize=100_000)
def _word_hash(word: str) -> tuple[int, str]:
    return zlib.crc32(word.encode(errors="replace")), word


def _level(metadata: dict[str, object]) -> float:
    """The level as a number, NaN where there is none that could be one."""
    value = metadata.get("level", metadata.get("difficulty"))
    level = float("nan")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        level = float(value) if abs(value) <= _HIGHEST else level
    elif isinstance(value, str):
        number = _NUMBER.search(value)
        level = float(number.group()) if number else _LEVELS.get(value.strip().lower(), level)
    return level if abs(level) <= _HIGHEST else float("nan")
