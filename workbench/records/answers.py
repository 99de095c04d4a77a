"""The final answer that a solution states, found without knowing what kind of answer it is."""

from __future__ import annotations

import re

HASHES = re.compile(r"^####[ \t]*(.+?)[ \t]*$", re.MULTILINE)
"""GSM8K's mark before an answer."""
_ANSWER_LINE = re.compile(r"^[ \t*#]*(?:Final )?Answer:[ \t*]*(.+?)[ \t*]*$", re.MULTILINE | re.IGNORECASE)
_TAGGED = re.compile(r"<answer>\s*(.+?)\s*</answer>", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
_BOXED_TOKEN = re.compile(r"\\boxed\s+([^\s$.,;]+)")
_SHORT = 200


def reference_answer(text: str) -> str | None:
    """Returns the answer a solution states: its last balanced box, ``<answer>``, ``#### x``, or ``Answer: x``.

    >>> reference_answer(r"so $x = \\boxed{\\frac{1}{2}}$.")
    '\\\\frac{1}{2}'
    """
    for mark in reversed(list(_BOX.finditer(text))):
        inner = _balanced(text, mark.end())
        if inner is not None and inner.strip():
            return inner.strip()
    for pattern in (_BOXED_TOKEN, _TAGGED, HASHES, _ANSWER_LINE):
        if found := pattern.findall(text):
            return str(found[-1]).strip() or None
    return None


def stated_answer(text: str | None) -> str | None:
    """Returns the answer a text states, or the text itself where it is one short line."""
    text = (text or "").strip()
    short = text if len(text) <= _SHORT and "\n" not in text else None
    return reference_answer(text) or short or None


def _balanced(text: str, start: int) -> str | None:
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
            if depth == 0:
                return text[start + 1 : place]
    return None
