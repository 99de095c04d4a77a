"""What makes a single trace unfit, whatever else is in the pool."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workbench.curation.config import CurationConfig
from workbench.curation.figures import missing_figure
from workbench.curation.language import is_written_in, other_language, shares_script
from workbench.curation.modes import Mode
from workbench.curation.text import question_text
from workbench.records import Grade, Problem, Trace, rendered_text

CountTokens = Callable[[str], int]
GradeAnswer = Callable[[Problem, str], Grade]

CHARACTERS_PER_TOKEN = 3
"""Assumed where no tokenizer is passed in; English prose has about 4, digits have 1 to 3."""

_TEMPLATE_TOKEN = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<\uff5c[^\uff5c<>]{1,60}\uff5c>|</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>"
    r"|\[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
)
_CONTROL = re.compile(rf"{_TEMPLATE_TOKEN.pattern}|</?(?:think|tool_call|tool_response|s|bos|eos|pad|unk)>")
_STUTTER = re.compile(r"([^\W\d_]{1,10}?)\1{15,}")
_LOOP_WORDS = 16
_STUTTER_WORDS = 24
_LONG_LOOP_WORDS = 36


FILTER_OF = {
    "unfinished": "truncation", "no answer": "format", "missing section": "format", "wrong answer": "wrong_answer",
    "unverified answer": "wrong_answer", "control token": "control_tokens", "repetition loop": "repetition",
    "other language": "language", "missing figure": "missing_figures", "too long": "length",
}  # fmt: skip
"""Which filter drops a trace for which reason."""


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
    """Looks for the first defect of a trace, filter by filter in the order of `workbench.curation.modes.Filters`."""
    modes = config.filters
    defect = _truncation(trace, modes.truncation) or _format(trace, config)
    if defect:
        return Judgement(defect, False)
    defect, is_verified = _truth(trace, grade_answer, modes.wrong_answer)
    if defect is None:
        defect = _text_defect(trace, rendered_text(trace), config, count_tokens)
    return Judgement(defect, is_verified)


def _truncation(trace: Trace, mode: Mode) -> Defect | None:
    passes = trace.finish_reason == "stop" or mode == "off" or (mode == "lenient" and (trace.answer or "").strip())
    return None if passes else Defect("unfinished", f"finish_reason is {trace.finish_reason}")


def _format(trace: Trace, config: CurationConfig) -> Defect | None:
    mode = config.filters.format
    if mode == "off":
        return None
    if not (trace.answer or "").strip():
        return Defect("no answer")
    has_reasoning = bool((trace.reasoning or "").strip())
    found = {step.role for step in trace.steps if step.text.strip()}
    if mode == "lenient":
        return None if found or has_reasoning else Defect("missing section", "neither steps nor reasoning")
    if not trace.steps:
        return None if config.allow_unsegmented and has_reasoning else Defect("missing section", "no steps")
    missing = [role for role in config.required_sections if role not in found]
    return Defect("missing section", f"no {', '.join(missing)}") if missing else None


def _truth(trace: Trace, grade_answer: GradeAnswer | None, mode: Mode) -> tuple[Defect | None, bool]:
    """The defect, and whether the answer is known to be right; it is looked at even where nothing is dropped for it."""
    known, why = _known_truth(trace, grade_answer)
    if known is False and mode != "off":
        return Defect("wrong answer", why), False
    if known is None and mode == "strict":
        return Defect("unverified answer", "no reference or grader confirms it"), False
    return None, known is True


def _known_truth(trace: Trace, grade_answer: GradeAnswer | None) -> tuple[bool | None, str]:
    """An answer that equals the reference letter by letter needs no grader."""
    answer, reference = (trace.answer or "").strip(), (trace.problem.answer or "").strip()
    if trace.is_correct is False:
        return False, "marked as wrong"
    if reference and answer == reference:
        return True, ""
    if grade_answer is not None and reference and answer:
        grade = grade_answer(trace.problem, answer)
        if grade.verdict != "ungraded":
            return grade.verdict == "correct", f"{grade.grader}: {grade.reason}".strip(": ")
    return trace.is_correct or None, ""


def _text_defect(trace: Trace, text: str, config: CurationConfig, count_tokens: CountTokens | None) -> Defect | None:
    modes, question = config.filters, trace.problem.question
    return (
        _control_token((question, text), modes.control_tokens)
        or _loop(text, modes.repetition)
        or _language(question, text, config.language, modes.language)
        or _figure(trace, text, modes.missing_figures)
        or _length(f"{question}\n{text}", config, count_tokens)
    )


def _control_token(parts: tuple[str, ...], mode: Mode) -> Defect | None:
    if mode == "off":
        return None
    pattern = _CONTROL if mode == "strict" else _TEMPLATE_TOKEN
    mark = next(filter(None, map(pattern.search, parts)), None)
    return Defect("control token", mark.group()) if mark else None


def _loop(text: str, mode: Mode) -> Defect | None:
    loop = None if mode == "off" else repetition(text, patience=1 if mode == "strict" else 2)
    return Defect("repetition loop", loop) if loop else None


def _language(question: str, text: str, wanted: str, mode: Mode) -> Defect | None:
    if mode == "off":
        return None
    found, asked = other_language(text, wanted), other_language(question, wanted)
    # A question in the wanted language can be about letters of another script, and so is its trace.
    if found and shares_script(question, found) and is_written_in(question, wanted):
        return None
    if found and (mode == "strict" or found != asked):
        return Defect("other language", f"{found}, not {wanted}")
    if mode == "strict" and asked and is_written_in(text, wanted) and not is_written_in(question, wanted):
        return Defect("other language", f"{wanted}, and the question {asked}")
    return None


def _figure(trace: Trace, text: str, mode: Mode) -> Defect | None:
    if mode == "off":
        return None
    found = missing_figure(question_text(trace.problem), text, only_markers=mode == "lenient")
    return Defect("missing figure", found) if found else None


def _length(whole: str, config: CurationConfig, count_tokens: CountTokens | None) -> Defect | None:
    """A byte-level tokenizer never has more tokens than bytes: most rows need no counting."""
    mode = config.filters.length
    most = config.max_tokens + (config.max_tokens // 4 if mode == "lenient" else 0)
    size = len(whole.encode(errors="replace"))
    if mode == "off" or size <= most:
        return None
    tokens = count_tokens(whole) if count_tokens else -(-size // CHARACTERS_PER_TOKEN)
    estimated = "" if count_tokens else " (estimated)"
    return Defect("too long", f"{tokens} tokens, at most {most}{estimated}") if tokens > most else None


def repetition(text: str, patience: int = 1) -> str | None:
    """Returns the beginning of a block that the text repeats on and on, or ``None``.

    A block of words counts from its fourth copy in a row where the copies have 16 words or more, from
    its third where they have 36; a block of one or two words needs 24 (ours). Bare numbers and symbols are
    exempt: matrices repeat by nature. ``patience`` multiplies these numbers.

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
        if _is_loop(tokens[before : before + period], (end - before) // patience):
            return " ".join(tokens[before : before + period])[:80]
    stutter = next((_STUTTER.search(token) for token in tokens if len(token) > 60), None)
    return stutter.group(1) if stutter else None


def _is_loop(block: list[str], length: int) -> bool:
    if not any(character.isalpha() or character == "=" for token in block for character in token):
        return False
    shortest = _LOOP_WORDS if len(block) > 2 else _STUTTER_WORDS
    return length >= max(shortest, 4 * len(block)) or length >= max(_LONG_LOOP_WORDS, 3 * len(block))
