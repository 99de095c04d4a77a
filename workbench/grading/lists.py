"""Ordered lists as people write them: brackets, quotes, commas, bullets, numbering."""

from __future__ import annotations

import re

from workbench.grading.numbers import parse_number, same_number

_BRACKETS = re.compile(r"[\[{(]([^\[\]{}()]*)[\]})]")
_SQUARE = re.compile(r"\[([^\[\]]*)\]")
_BULLET = re.compile(r"[ \t]*(?:[-*•·]|\(?\d{1,3}[.)])[ \t]+")
_SEPARATORS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\n"),
    re.compile(r";"),
    re.compile(r","),
    re.compile(r"->|→| > | < |\|"),
)
_LEADING_WORDS = re.compile(r"[^\n,;:\[\]]{0,80}:\s?(?!$)")
_EMPTY = re.compile(
    r"(?:none|empty|\W*|(?:an |the )?empty list|the list is empty|\[\s*\]|no (?:numbers|items))\.?", re.IGNORECASE
)
_NUMBERS = re.compile(r"[-+]?[\d.]{1,30}(?:[ \t]+[-+]?[\d.]{1,30})+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TIGHT_COMMA = re.compile(r",(?!\s|\d{3}(?!\d))")
_LONGEST_ITEM_WORDS = 3


def parse_list(text: str) -> tuple[str, ...] | None:
    """Reads a plain text as an ordered list; ``None`` where it is blank.

    >>> parse_list("['18.5', '-48.1']")
    ('18.5', '-48.1')
    >>> parse_list("1. apple\\n2. pear")
    ('apple', 'pear')
    >>> parse_list("the list is: [a, b, and c].")
    ('a', 'b', 'c')
    >>> parse_list("[]")
    ()
    """
    text = text.strip()
    inside = _SQUARE.findall(text) or (_BRACKETS.findall(text) if re.fullmatch(r"\W.*\W", text, re.DOTALL) else [])
    if inside:
        text = inside[-1].strip()
        if not text:
            return ()
    elif not text:
        return None
    if _EMPTY.fullmatch(text[:40]) and len(text) < 40:
        return ()
    return _items(text if inside else _LEADING_WORDS.sub("", text, count=1))


def _items(text: str) -> tuple[str, ...]:
    text = text.strip()
    if _NUMBERS.fullmatch(text[:2_000]):
        return tuple(text.split())
    if ", " in text and not _TIGHT_COMMA.search(text):
        text = _THOUSANDS.sub("", text)
    separator = next((pattern for pattern in _SEPARATORS if pattern.search(text)), None)
    pieces = separator.split(text) if separator else [text]
    items = [_item(piece) for piece in pieces]
    return tuple(item for item in items if item)


def _item(piece: str) -> str:
    piece = piece.strip()
    if match := _BULLET.match(piece):
        piece = piece[match.end() :]
    return re.sub(r"^and\s+", "", piece).strip(" \t\"'`*_").rstrip(".;, ").strip("\"'")


def last_list(text: str) -> str | None:
    """Returns the last stretch of a plain text that is a list of two items or more, else its last line."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    bulleted: list[str] = []
    for line in reversed(lines):
        if _BULLET.match(line) and not bulleted[8_000:]:
            bulleted.append(line)
            continue
        if len(bulleted) >= 2:
            break
        bulleted.clear()
        if _looks_listed(line):
            return line
    if len(bulleted) >= 2:
        return "\n".join(reversed(bulleted))
    return lines[-1] if lines else None


def _looks_listed(line: str) -> bool:
    items = parse_list(line) or ()
    return len(items) >= 2 and all(len(item.split()) <= _LONGEST_ITEM_WORDS for item in items)


def same_items(reference: tuple[str, ...], answer: tuple[str, ...]) -> bool:
    """True where two lists agree item by item, numbers as numbers and words without regard to case."""
    return len(reference) == len(answer) and all(map(_same_item, reference, answer))


def _same_item(reference: str, answer: str) -> bool:
    if reference.casefold() == answer.casefold():
        return True
    numbers = parse_number(reference), parse_number(answer)
    return numbers[0] is not None and numbers[1] is not None and same_number(numbers[0], numbers[1])
