"""What makes a single trace unfit, whatever else is in the pool."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workbench.curation.config import CurationConfig
from workbench.records import Grade, Problem, Trace, rendered_text

CountTokens = Callable[[str], int]
GradeAnswer = Callable[[Problem, str], Grade]

CHARACTERS_PER_TOKEN = 3
"""Assumed where no tokenizer is passed in; English prose has about 4, digits have 1 to 3."""

_CONTROL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<\uff5c[^\uff5c<>]{1,60}\uff5c>|</?(?:think|tool_call|tool_response|s|bos|eos|pad|unk)>"
    r"|</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
)
_STUTTER = re.compile(r"([^\W\d_]{1,10}?)\1{15,}")
_LOOP_WORDS = 16
_STUTTER_WORDS = 24
_LONG_LOOP_WORDS = 36


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a trace is dropped: a short name to count by, and what exactly was found."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A trace's first defect, or ``None``, and whether its answer is known to be right."""

    defect: Defect | None
    is_verified: bool


def judge(
    trace: Trace,
    config: CurationConfig,
    count_tokens: CountTokens | None = None,
    grade_answer: GradeAnswer | None = None,
) -> Judgement:
    """Looks for the first defect of a trace: structure, truth, control tokens, loops, then length."""
    defect = _structure(trace, config)
    if defect:
        return Judgement(defect, False)
    defect, is_verified = _truth(trace, grade_answer)
    if defect is None:
        text = rendered_text(trace)
        defect = _text_defect(trace.problem.question, text) or _length(trace, text, config, count_tokens)
    return Judgement(defect, is_verified)


def _structure(trace: Trace, config: CurationConfig) -> Defect | None:
    if trace.finish_reason != "stop":
        return Defect("unfinished", f"finish_reason is {trace.finish_reason}")
    if not (trace.answer or "").strip():
        return Defect("no answer")
    if not trace.steps:
        passes = config.allow_unsegmented and (trace.reasoning or "").strip()
        return None if passes else Defect("missing section", "no steps")
    found = {step.role for step in trace.steps if step.text.strip()}
    missing = [role for role in config.required_sections if role not in found]
    return Defect("missing section", f"no {', '.join(missing)}") if missing else None


def _truth(trace: Trace, grade_answer: GradeAnswer | None) -> tuple[Defect | None, bool]:
    """An answer that equals the reference letter by letter needs no grader."""
    answer, reference = (trace.answer or "").strip(), (trace.problem.answer or "").strip()
    if trace.is_correct is False:
        return Defect("wrong answer", "marked as wrong"), False
    if reference and answer == reference:
        return None, True
    if grade_answer is not None and reference:
        grade = grade_answer(trace.problem, answer)
        if grade.verdict == "wrong":
            return Defect("wrong answer", f"{grade.grader}: {grade.reason}".strip(": ")), False
        if grade.verdict == "correct":
            return None, True
    return None, trace.is_correct is True


def _text_defect(question: str, text: str) -> Defect | None:
    for part in (question, text):
        if mark := _CONTROL.search(part):
            return Defect("control token", mark.group())
    loop = repetition(text)
    return Defect("repetition loop", loop) if loop else None


def _length(trace: Trace, text: str, config: CurationConfig, count_tokens: CountTokens | None) -> Defect | None:
    """A byte-level tokenizer never has more tokens than bytes: most rows need no counting."""
    whole = f"{trace.problem.question}\n{text}"
    size = len(whole.encode(errors="replace"))
    if size <= config.max_tokens:
        return None
    tokens = count_tokens(whole) if count_tokens else -(-size // CHARACTERS_PER_TOKEN)
    if tokens <= config.max_tokens:
        return None
    estimated = "" if count_tokens else " (estimated)"
    return Defect("too long", f"{tokens} tokens, at most {config.max_tokens}{estimated}")


def repetition(text: str) -> str | None:
    """Returns the beginning of a block that the text repeats on and on, or ``None``.

    A block of words counts from its fourth copy in a row where the copies have 16 words or more, from
    its third where they have 36; a block of one or two words needs 24 (ours). Bare numbers and symbols are
    exempt: matrices repeat by nature.

    >>> repetition("Then add 1. " + "Wait, let me check again. " * 5)
    'Wait, let me check again.'
    >>> repetition("1 + 1 = 2. 2 + 1 = 3. 3 + 1 = 4. 4 + 1 = 5. 5 + 1 = 6.") is None
    True
    """
    tokens = text.split()
    latest: dict[tuple[str, ...], int] = {}
    skip_to = 0
    for place, gram in enumerate(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)):
        before = latest.get(gram)
        latest[gram] = place
        if before is None or place < skip_to:
            continue
        period = place - before
        end = place + 4
        while end < len(tokens) and tokens[end] == tokens[end - period]:
            end += 1
        skip_to = end - 4 if end - before >= 2 * period else place
        if _is_loop(tokens[before : before + period], end - before):
            return " ".join(tokens[before : before + period])[:80]
    stutter = next((_STUTTER.search(token) for token in tokens if len(token) > 60), None)
    return stutter.group(1) if stutter else None


def _is_loop(block: list[str], length: int) -> bool:
    if not any(character.isalpha() or character == "=" for token in block for character in token):
        return False
    shortest = _LOOP_WORDS if len(block) > 2 else _STUTTER_WORDS
    return length >= max(shortest, 4 * len(block)) or length >= max(_LONG_LOOP_WORDS, 3 * len(block))
