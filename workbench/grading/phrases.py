"""Answers in words: one of known options, a single word or name, a phrase, a lettered choice."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

from workbench.grading.cleaning import plain, trimmed
from workbench.grading.numbers import number_in, parse_number, same_number

_QUOTED = re.compile(r"\"([^\"\n]{1,2000})\"|(?<!\w)'([^'\n]{1,2000})'(?!\w)|`([^`\n]{1,2000})`")
_BOLD = re.compile(r"\*\*([^*\n]{1,2000})\*\*")
_SPELLED_OUT = re.compile(r"(?:[^\W\d_][ ,.-]{1,2}){2,60}[^\W\d_]")
_FILLER = re.compile(
    r"(?:(?:the|a|an|it|it's|is|was|be|that|this|name|word|called|person|answer)\b[\s:,]{0,4}){1,6}", re.IGNORECASE
)
_OUTER = "\"'`.,;:!?*_~()[]{}…–— "  # no plus, minus or equals: they are part of an answer
_LINK = re.compile(r"(?:\b(?:is|was|are|becomes|gives|as)\b|[:=→]|->)\s?")
_NAME = re.compile(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)*")
_WORD = re.compile(r"\w[\w'-]*")

_MOST_LINES = 500
_LONGEST_LINE = 2_000
LETTERS = "ABCDEFGHIJ"
_LETTER = re.compile(
    r"\W{0,6}(?:(?:option|choice|letter)\s{1,3})?(?:\(([A-Ja-j])\)|([A-J])(?=$|[).:,;\]]|\s{1,3}(?:because|since|as|is|\())"
    r"|([a-j])(?=\)|\W{0,4}$))"
)
_BRACKETED = re.compile(r"\(([A-Ja-j])\)|\b(?:[Oo]ption|[Cc]hoice)\s{1,3}\(?([A-J])\b")
_CAPITAL = re.compile(r"(?<![\w'])([B-HJ])(?![\w'])")


def normalised(text: str) -> str:
    """Returns ``text`` in one case, without accents, surrounding punctuation and quotes, with single blanks.

    >>> normalised('  "Hello,   World!" ')
    'hello, world'
    """
    letters = (c for c in unicodedata.normalize("NFKD", plain(text).casefold()) if not unicodedata.combining(c))
    return " ".join("".join(letters).split()).strip(_OUTER)


def mentions(text: str, options: Sequence[str]) -> list[tuple[str, int, int]]:
    """Returns every mention of an option as (option, start, end); longer options win over their parts.

    >>> mentions("her mother-in-law, not her mother", ["mother", "mother-in-law"])
    [('mother-in-law', 4, 17), ('mother', 27, 33)]
    """
    known = {option.casefold(): option for option in options if option}
    if not known:
        return []
    names = "|".join(re.escape(name) for name in sorted(known, key=lambda name: (-len(name), name)))
    pattern = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE)
    return [(known[m.group().casefold()], *m.span()) for m in pattern.finditer(text) if m.group().casefold() in known]


def option_in(region: str, options: Sequence[str]) -> tuple[str | None, bool]:
    """Returns the option that a region names, and whether it begins with it and leaves it at that."""
    found = mentions(region, options)
    if not found:
        return None, False
    option, start, end = found[0]
    starts = re.fullmatch(r"\W*(?:(?:it|it's|is|the|on|a|an)\W+){0,3}", region[:start][:60]) and start < 60
    if starts and re.match(r"\W*$|\s*[.,;!(\n—–*]|\s+(?:because|since|as)\b", region[end:]):
        return option, True
    return found[-1][0], False


def word_in(region: str) -> str | None:
    """Returns the single word or name that a region gives as its answer."""
    marked = marked_phrase(region, at_start=True)
    region = trimmed(plain(marked or region))
    if _SPELLED_OUT.fullmatch(region[:300]):
        return re.sub(r"[^\w]", "", region)
    if not re.search(r"\s", region):
        return region.strip(string.punctuation + " ") or None
    region = region.split(". ")[0]
    links = list(_LINK.finditer(region))
    rest = region[links[-1].end() :] if links else region
    filler = _FILLER.match(rest)
    rest = rest[filler.end() :] if filler else rest
    found = _NAME.match(rest.lstrip("\"'(")) or _WORD.search(rest) or _WORD.search(region)
    return found.group() if found else None


def last_word(text: str) -> str | None:
    """Returns the last bold or quoted phrase of an unmarked text, else its last word."""
    marked = marked_phrase(text)
    if marked is not None:
        return word_in(marked)
    lines = plain(text).strip().rsplit("\n", 1)
    words = _WORD.findall(lines[-1])
    return words[-1] if words else None


def marked_phrase(text: str, at_start: bool = False) -> str | None:
    """Returns the last bold phrase, else the last quoted one, or only one that ``text`` starts with."""
    for pattern in (_BOLD, _QUOTED):
        matches = list(pattern.finditer(text))
        if at_start:
            matches = [match for match in matches[:1] if not text[: match.start()].strip(" *_:")]
        if matches:
            return next(group for group in matches[-1].groups() if group)
    return None


def phrase_in(region: str) -> str | None:
    """Returns the phrase that a region gives: a quoted start on its own, otherwise the whole line."""
    quoted = _QUOTED.match(region.strip(" *_:"))
    if quoted:
        return next(group for group in quoted.groups() if group)
    return trimmed(plain(region)) or None


def last_phrase(text: str) -> str | None:
    """Returns the last bold or quoted phrase of an unmarked text, else its last line."""
    lines = [line for line in text.split("\n") if line.strip()]
    return marked_phrase(text) or (phrase_in(lines[-1]) if lines else None)


def choice_in(region: str, choices: Sequence[str]) -> tuple[str | None, bool]:
    """Returns the letter that a region, in plain text, chooses, and whether it begins with it.

    A choice may be given by its letter, its own text, or its number.
    """
    region = region.strip()
    letters = LETTERS[: len(choices)] if choices else LETTERS
    texts = [normalised(choice) for choice in choices]
    if normalised(region) in texts:
        return letters[texts.index(normalised(region))], True
    for letter, choice in zip(letters, texts, strict=False):
        if choice and re.fullmatch(rf"\W*{letter}\W+{re.escape(choice)}\W*", region, re.IGNORECASE):
            return letter, True
    for pattern, is_direct in ((_LETTER, True), (_BRACKETED, False)):
        found = pattern.match(region) if is_direct else pattern.search(region)
        letter = next(group for group in found.groups() if group).upper() if found else ""
        if letter and letter in letters:
            return letter, is_direct
    return _choice_by_text(region, choices, letters) or _capital(region, letters), False


def _choice_by_text(region: str, choices: Sequence[str], letters: str) -> str | None:
    number = number_in(region)[0]
    for letter, choice in zip(letters, choices, strict=False):
        value = parse_number(plain(choice).strip())
        if value is not None and number is not None and same_number(value, number):
            return letter
    wordy = [choice for choice in map(normalised, choices) if re.search(r"[^\W\d_]{2}", choice)]
    found = mentions(" ".join(region.split()), wordy)
    return letters[[normalised(choice) for choice in choices].index(found[-1][0])] if found else None


def _capital(region: str, letters: str) -> str | None:
    found = [letter for letter in _CAPITAL.findall(region) if letter in letters]
    return found[-1] if found else None


def last_choice(text: str, choices: Sequence[str]) -> str | None:
    """Returns the letter that the last line to choose one chooses."""
    for line in reversed(text.split("\n")[-_MOST_LINES:]):
        if line.strip():
            letter, _ = choice_in(line[-_LONGEST_LINE:], choices)
            if letter:
                return letter
    return None
