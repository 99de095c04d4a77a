"""Questions as comparable words: case, spacing and sentence marks go, numbers and operators stay."""

from __future__ import annotations

import re
import unicodedata

from workbench.records import Problem

# A thousands comma joins digits, any other comma parts them: 1,234 is one number and 1, 2 are two.
_WORD = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?|[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+"
    r"|[^\w\s.,;:!?'\"`$\\\u2018-\u201f\u2026\u3001\u3002]"
)
_GAP = re.compile(r"(?<=\d)[ \t]+(?=\.\d)")
"""A blank inside of a number: ``5 .25``."""
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def words(text: str) -> list[str]:
    """Returns the words that two spellings of one question share.

    >>> words("What is  1,200 - 3.50?") == words("what is 1200 \u2212 3.50")
    True
    >>> words("12 + 3") == words("1 + 23")
    False
    """
    return known_words(text) or text.split()


def known_words(text: str) -> list[str]:
    """Returns the words of `words`; none for a text of marks alone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    found: list[str] = _WORD.findall(_GAP.sub("", text.casefold()))
    return [word.replace(",", "") for word in found]


def question_text(problem: Problem) -> str:
    """Returns the question and its choices, a line each."""
    return "\n".join((problem.question, *(problem.choices or ())))


def question_words(problem: Problem) -> list[str]:
    """Returns the words of the question and its choices: "which is right?" is many questions."""
    return words(question_text(problem))


def is_number(word: str) -> bool:
    """True for a word of `words` that is a number."""
    return word[0].isdigit()


def template(text: str, length: int) -> str:
    """Returns the first ``length`` words with numbers masked: what siblings of one template share.

    >>> template("Add 12 and 30, then halve.", 4)
    'add # and #'
    """
    return " ".join("#" if is_number(word) else word for word in words(_NUMBER.sub("0", text[:400]))[:length])
