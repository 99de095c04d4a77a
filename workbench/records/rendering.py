"""A trace as the text a student learns, and a student's text cut back into its sections.

The sections are plain text that every tokenizer has (ours): ``Plan:`` holds the strategy, ``Steps:``
the tactics, ``Check:`` the verification, ``Answer:`` the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workbench.records.types import Trace

Section = Literal["strategy", "tactic", "check", "answer"]
Style = Literal["sections", "think"]

HEADINGS: dict[Section, str] = {"strategy": "Plan:", "tactic": "Steps:", "check": "Check:", "answer": "Answer:"}
SECTIONS: tuple[Section, ...] = tuple(HEADINGS)

_HEADING = re.compile(r"^[ \t*#]*(Plan|Steps|Check|Answer):[ \t*]*", re.MULTILINE)
_SECTION_OF = {heading.rstrip(":"): section for section, heading in HEADINGS.items()}


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text that belongs to one section."""

    section: Section
    text: str


def render(trace: Trace, style: Style = "sections") -> tuple[Segment, ...]:
    """Returns the trace as segments whose texts, joined, are what the student should write.

    Args:
        trace: its steps are grouped by role in the order strategy, tactic, check; a role without
            steps leaves its section out. A trace that came unsegmented puts ``reasoning`` in tactics.
        style: ``sections`` is plain; ``think`` wraps the first three in ``<think>…</think>`` for
            students that were trained to reason so.
    """
    lines: dict[Section, list[str]] = {"strategy": [], "tactic": [], "check": []}
    for step in trace.steps:
        lines[step.role].append(step.text.strip())
    if not trace.steps and trace.reasoning:
        lines["tactic"].append(trace.reasoning.strip())
    segments = [Segment(section, _section_text(section, texts)) for section, texts in lines.items() if texts]
    answer = Segment("answer", f"{HEADINGS['answer']} {(trace.answer or '').strip()}")
    if style == "think" and segments:
        segments[0] = Segment(segments[0].section, "<think>\n" + segments[0].text)
        segments[-1] = Segment(segments[-1].section, segments[-1].text + "</think>\n")
    return (*segments, answer)


def _section_text(section: Section, texts: list[str]) -> str:
    separator = "\n" if section == "tactic" else " "
    return f"{HEADINGS[section]}{separator}" + "\n".join(texts) + "\n"


def rendered_text(trace: Trace, style: Style = "sections") -> str:
    """Returns the whole text of `render`."""
    return "".join(segment.text for segment in render(trace, style))


def split_sections(text: str) -> tuple[Segment, ...]:
    """Cuts a student's text at its headings; text before the first heading counts as tactics.

    >>> [s.section for s in split_sections("Plan: add\\nSteps:\\n1 + 1 = 2\\nAnswer: 2")]
    ['strategy', 'tactic', 'answer']
    """
    text = re.sub(r"</?think>", "", text)
    marks = list(_HEADING.finditer(text))
    lead = text[: marks[0].start()] if marks else text
    segments = [Segment("tactic", lead.strip())] if lead.strip() else []
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        segments.append(Segment(_SECTION_OF[mark.group(1)], text[mark.end() : end].strip()))
    return tuple(segments)


def follows_format(text: str) -> bool:
    """True where the text has a plan, steps, a check and an answer, once each and in that order.

    >>> follows_format("Plan: a\\nSteps:\\nb\\nCheck: c\\nAnswer: d")
    True
    >>> follows_format("The answer is 4.")
    False
    """
    return tuple(segment.section for segment in split_sections(text)) == SECTIONS
