"""Figures that a text refers to and does not have: a student that reads text alone cannot see them (ours)."""

from __future__ import annotations

import re

_MARKER = re.compile(
    r"\[asy\]|!\[[^\]\n]{0,200}\]\(|<img\b|<image\b|\\includegraphics\b|\\begin\{tikzpicture\}|<svg\b", re.IGNORECASE
)
"""The code of a drawing is one as well: what it draws must be seen."""
_NOUN = "figure|diagram|picture|image|graph|drawing|illustration|sketch|chart|photo|photograph|plot"
_HINTS = tuple(rf"[asy]|![|<im|\includegraphics|tikzpicture|<svg|shown|pictured|drawn|depicted|{_NOUN}".split("|"))
"""A text without any of them needs no closer look; finding them is ten times as fast as the patterns."""
_PLACE = (
    r"below|above|shown|pictured|at (?:the )?right|at (?:the )?left|(?:to|on) the (?:right|left)|provided|given below"
)
_MENTION = re.compile(
    rf"\b(?:{_NOUN})s? (?:{_PLACE})\b"
    r"|\bsee (?:the )?(?:figure|diagram)\b"
    rf"|\b(?:consult|refer to|look at|according to|as shown in|shown in|as in|depicted in|pictured in) "
    rf"(?:the|this) (?:(?:following|above|adjacent|accompanying|attached|\w+ing) )?(?:{_NOUN})\b"
    r"|\b(?:triangle|rectangle|square|circle|polygon|trapezoid|quadrilateral|hexagon|shape|region|spinner|map|solid)s? "
    r"(?:is |are |that is )?(?:shown|pictured|drawn|depicted)(?: here| below| above| at (?:the )?(?:right|left))\b"
    rf"|\b(?:following|accompanying|adjacent|attached) (?:figure|diagram|picture|image|drawing|illustration|sketch)\b"
    rf"|\b[Ii]n (?:the|this) (?:figure|diagram|picture|drawing|illustration|sketch),"
    r"|\bthe (?:figure|diagram|picture|drawing|illustration|sketch|chart|(?:bar|line|circle|pie) (?:graph|chart)) "
    r"(?:below |above )?(?:shows|depicts|illustrates)\b",
    re.IGNORECASE,
)
_TABLE = re.compile(r"\\begin\{(?:tabular|array|[bpv]?matrix)\}")
_DRAWN_LINES = 3
_MOST_WORDS = 2
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")


def missing_figure(question: str, trace: str = "", *, only_markers: bool = False) -> str | None:
    """Returns the words by which a text refers to a figure that it does not have, ``None`` where it does not.

    A figure is there where the question has it in lines of marks: a grid, a table, a drawing in letters.

    Args:
        question: with its choices.
        trace: what answers it; it may refer to a figure of the question.
        only_markers: whether to look for the markers of images alone.

    >>> missing_figure("What is the area of the triangle in the figure below?")
    'figure below'
    >>> missing_figure("What is the graph of y = x called?") is None
    True
    """
    parts = [part for part in (question, trace) if _may_refer(part)]
    if mark := next(filter(None, map(_MARKER.search, parts)), None):
        return mark.group()
    if only_markers:
        return None
    mention = next(filter(None, map(_MENTION.search, parts)), None)
    return mention.group() if mention and not _has_drawing(question) else None


def _may_refer(text: str) -> bool:
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS)


def _has_drawing(text: str) -> bool:
    """Whether the text has a table, or some lines in a row with next to no words: what stands there is the figure."""
    if _TABLE.search(text):
        return True
    in_a_row = 0
    for line in text.splitlines():
        in_a_row = in_a_row + 1 if line.strip() and len(_LONG_WORD.findall(line)) <= _MOST_WORDS else 0
        if in_a_row == _DRAWN_LINES:
            return True
    return False
