"""Questions as numbers: one 32-bit code per word, kept on disk so that all rows can be compared without their texts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.curation.text import is_number, known_words
from workbench.files import storage_errors

Tokens = NDArray[np.uint32]

NUMBER = np.uint32(1 << 31)
"""The bit of a code that says: a number."""
SYMBOL = np.uint32(1 << 30)
"""The bit of a code that says: neither word nor number, such as an operator."""
QUOTED = np.uint32(1 << 29)
"""The bit of a code that says: in quotation marks or a formula, so a thing spoken of, not a way of speaking."""
_HASH = (1 << 29) - 1
_QUOTED = re.compile(r'"[^"]*"|\u201c[^\u201d]*\u201d|\$\$?(?:[^$\s]{1,3}|[^$]*[\\={}^_][^$]*)\$\$?')
"""Between quotation marks or, as LaTeX has it, between dollars; ``$5 and $`` is money."""
_TEENS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
)
_TENS = "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
_VALUES = [*map(str, range(2, 21)), *map(str, range(30, 100, 10)), "100", "1000"]
_SPELLED = dict(zip(f"{_TEENS} {_TENS}".split(), _VALUES, strict=True))
"""``one`` is left out: it is more often a pronoun."""


@lru_cache(maxsize=200_000)
def code(word: str) -> int:
    """Returns a word's code: a number as a number however it is written, and every symbol as one.

    >>> code("3.50") == code("3.5"), code("five") == code("5"), code("cat") == code("dog")
    (True, True, False)
    """
    number = plain_number(word)
    if number is not None:
        return int(NUMBER) | zlib.crc32(number.encode()) & _HASH
    hashed = zlib.crc32(word.encode(errors="replace")) & _HASH
    return hashed if word[0].isalpha() else int(SYMBOL) | hashed


def plain_number(word: str) -> str | None:
    """Returns a number in its shortest form, ``None`` for any other word."""
    if word in _SPELLED:
        return _SPELLED[word]
    if not is_number(word):
        return None
    return word.rstrip("0").rstrip(".") or "0" if "." in word else word


def encode(question: str) -> Tokens:
    """Returns the codes of a question's words, see `workbench.curation.text.words`.

    >>> (encode('Spell "cat"') == encode("Spell cat")).tolist()
    [True, False]
    """
    codes: list[int] = []
    end = 0
    for quoted in _QUOTED.finditer(question):
        codes += _codes(question[end : quoted.start()])
        codes += [each | int(QUOTED) for each in _codes(quoted.group())]
        end = quoted.end()
    codes += _codes(question[end:])
    return np.array(codes or [code(word) for word in question.split()], dtype=np.uint32)


def _codes(text: str) -> list[int]:
    return [code(word) for word in known_words(text)]


class TokenFile:
    """The codes of many questions, one after the other, on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("wb")
        self._lengths: list[NDArray[np.int32]] = []

    def write(self, tokens: Tokens, lengths: NDArray[np.int32]) -> None:
        """Appends questions: their codes joined, and how many each has."""
        with storage_errors(self._path):
            self._stream.write(tokens.tobytes())
        self._lengths.append(lengths)

    def finish(self) -> TokenTable:
        """Ends the writing and returns the table, memory-mapped."""
        with storage_errors(self._path):
            self._stream.close()
        lengths = np.concatenate([np.zeros(0, dtype=np.int32), *self._lengths])
        empty = self._path.stat().st_size == 0
        flat = np.zeros(0, dtype=np.uint32) if empty else np.memmap(self._path, dtype=np.uint32, mode="r")
        return TokenTable(flat, lengths)


class TokenTable:
    """The codes of all sound rows' questions, in the pool's order."""

    def __init__(self, flat: Tokens, lengths: NDArray[np.int32]) -> None:
        self._flat = flat
        self._starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])

    @classmethod
    def of(cls, questions: Iterable[str]) -> TokenTable:
        """Returns the table of these questions."""
        coded = [encode(question) for question in questions]
        flat = np.concatenate([np.zeros(0, dtype=np.uint32), *coded])
        return cls(flat, np.array([len(each) for each in coded], dtype=np.int32))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> Tokens:
        return np.asarray(self._flat[self._starts[row] : self._starts[row + 1]])

    def block(self, start: int, end: int) -> tuple[Tokens, NDArray[np.int64]]:
        """Returns the joined codes of rows ``start`` to ``end``, and where each of them begins, the end included."""
        starts = self._starts[start : end + 1]
        return np.asarray(self._flat[starts[0] : starts[-1]]), starts - starts[0]
