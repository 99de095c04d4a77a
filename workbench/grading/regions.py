"""Where a text says that its answer stands: explicit markers and the stretch that each one opens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["boxed", "hashes", "header", "sentence", "result"]

_LONGEST = 4_000
_MOST = 64

_BETWEEN = (
    r"[ \t](?:would|should|must|will|could|here|then|thus|therefore|now|simply|you get|we want"
    r"|(?:to|for|of)[ \t](?:the|this|that|our|your|part|question|problem|it)\b[^\n.:=]{0,40}?)"
)
_MARKER = re.compile(
    r"(?P<boxed>\\(?:boxed|fbox)[ \t]{0,3}(?:\{|(?=[-\d])))"
    r"|(?P<hashes>^[ \t]{0,8}\#{4}(?=[ \t]*[^\s#A-Za-z]))"
    r"|(?P<header>^[ \t>*_#-]{0,12}(?:the[ \t]|my[ \t])?(?:final[ \t]|correct[ \t])?(?:answers?|ans)"
    r"(?:[ \t]\([^()\n]{0,30}\))?[*_ \t]{0,6}(?:[:=：]|$))"
    r"|(?P<sentence>\banswers?\b(?:[*_ \t]{0,6}[:=：]"
    rf"|(?:{_BETWEEN}){{0,2}}[*_ \t,]{{0,4}}\b(?:is|are|be|was|equals|becomes)\b[ \t]{{0,4}}:?))"
    r"|(?P<result>\bresult\b[*_ \t]{0,6}(?::|is\b|=)[ \t]{0,4}:?)",
    re.IGNORECASE | re.MULTILINE,
)
_EMPTY_LINE = re.compile(r"[\s*_:$>`#]*(?:\\[\[\]()]|={2,}|-{2,})?[\s*_:$`]*|```\w{0,20}\s*")

_BARE_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
_CLOSED_EMPHASIS = re.compile(r"[*_]{1,3}(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Region:
    """The stretch of text that an answer marker opens."""

    kind: Kind
    """``boxed``, ``hashes`` (``####``), ``header`` (a line that begins ``Answer:``), ``sentence``
    (``the answer is``) or ``result`` (``the result is``, which reasoning also says half-way)."""
    text: str
    """The rest of the marker's line, or the next line where that is empty."""
    block: str
    """As ``text``, but up to the next blank line where the marker's own line is empty: for lists."""
    tail: str
    """What follows ``text``, up to the end; of a very long rest only the end."""


def find_regions(text: str) -> list[Region]:
    """Returns the marked regions, the most telling last: ``result`` markers first, then the others in order.

    >>> [region.text for region in find_regions("The result is 3.\\n**Answer:** 4\\nso \\\\boxed{5}")]
    ['3.', '4', '5']
    """
    marks = list(_MARKER.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    regions = [_region(text, mark, end) for mark, end in zip(marks[-_MOST:], ends[-_MOST:], strict=True)]
    regions = [region for region in regions if region.text and not re.match(r"not\b", region.text, re.IGNORECASE)]
    return sorted(regions, key=lambda region: region.kind != "result")


def _region(text: str, mark: re.Match[str], end: int) -> Region:
    kind: Kind = mark.lastgroup  # type: ignore[assignment]
    if kind == "boxed":
        bare = _BARE_NUMBER.match(text, mark.end())
        inside = bare.group() if bare and text[mark.end() - 1] != "{" else _balanced(text, mark.end())
        return Region(kind, inside, inside, text[mark.end() + len(inside) : mark.end() + _LONGEST])
    stretch = text[mark.end() : min(end, mark.end() + _LONGEST)]
    line, _, rest = stretch.partition("\n")
    if not _is_empty(line):
        closed = _CLOSED_EMPHASIS.match(line.lstrip())
        inline = (line.lstrip()[closed.end() :] if closed else line).strip()
        return Region(kind, inline, inline, _tail(text, mark.end() + len(line)))
    line, block, used = _next_lines(rest)
    if end < len(text) and text[end : end + 1] != "\n" and not line:
        return Region(kind, "", "", "")
    return Region(kind, line, block, _tail(text, mark.end() + len(stretch) - len(rest) + used))


def _is_empty(line: str) -> bool:
    """True also for a line of mere mark-up, such as ``\\[``, ``---`` or an opening code fence."""
    return _EMPTY_LINE.fullmatch(line.strip()[:100]) is not None


def _tail(text: str, start: int) -> str:
    return text[max(start, len(text) - _LONGEST) :]


def _next_lines(text: str) -> tuple[str, str, int]:
    """Returns the first line that says something, its block, and how many characters end with that line."""
    used, lines = 0, text.split("\n")
    for index, line in enumerate(lines):
        used += len(line) + 1
        if not _is_empty(line):
            following = lines[index:]
            length = next((i for i, other in enumerate(following) if not other.strip(" \t`")), len(following))
            return line.strip(), "\n".join(following[:length]), used - 1
    return "", "", used


def _balanced(text: str, start: int) -> str:
    """Returns what stands inside a brace opened before ``start``; up to the line's end where it never closes."""
    depth, stop = 1, min(len(text), start + _LONGEST)
    for index in range(start, stop):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index].strip()
    return text[start:stop].partition("\n")[0].strip()
