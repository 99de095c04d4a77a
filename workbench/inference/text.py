"""Text of tokens as they come, cut where it is safe to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

TORN = "\N{REPLACEMENT CHARACTER}"
"""What tokenizers put for bytes that are no character yet."""


class TextStream:
    """Turns a row's tokens into text, piece by piece.

    A character whose bytes are spread over tokens is held back until it is whole, and so is what may
    become a stop marker. Only the newest tokens are decoded each time; a few older ones go along, since
    some tokenizers write a token differently at the start of a text.

    Args:
        decode: turns ids into text.
        stop: markers that end the text.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = ()) -> None:
        self.text = ""
        """All whole characters so far, the beginnings of markers included."""
        self._decode = decode
        self._stop = stop
        self._ids: list[int] = []
        self._anchor = self._done = 0
        self._taken = 0
        """Characters of the tokens from the anchor on that are in ``text``."""
        self._shown = 0

    def push(self, *ids: int) -> str:
        """Adds tokens; returns the further text that may be shown."""
        if not ids:
            return ""
        self._ids += ids
        after = self._decode(self._ids[self._anchor :])
        whole = after.rstrip(TORN)
        grown = len(whole) > self._taken
        self.text += whole[self._taken :]
        self._taken = max(self._taken, len(whole))
        # A token without text, a control token for instance, is no start to decode from.
        if grown and whole == after:
            self._anchor, self._done = self._done, len(self._ids)
            self._taken = len(self._decode(self._ids[self._anchor :]))
        return self._show(len(self.text) - self._held())

    def flush(self) -> str:
        """Returns what was held back; a character that never became whole is shown as torn."""
        self.text += self._decode(self._ids[self._anchor :])[self._taken :]
        self._anchor, self._done, self._taken = len(self._ids), len(self._ids), 0
        return self._show(len(self.text))

    @property
    def stopped(self) -> bool:
        """True where the text holds a stop marker."""
        return any(marker in self.text for marker in self._stop)

    def _show(self, until: int) -> str:
        if self.stopped:
            until = len(cut_before(self.text, self._stop))
        piece = self.text[self._shown : until]
        self._shown = max(self._shown, until)
        return piece

    def _held(self) -> int:
        """The length of the text's end that may be the beginning of a marker."""
        longest = max(map(len, self._stop), default=1) - 1
        sizes = range(min(longest, len(self.text)), 0, -1)
        return next((n for n in sizes if any(m.startswith(self.text[-n:]) for m in self._stop)), 0)


def cut_before(text: str, stop: Sequence[str]) -> str:
    """Returns the text before the first of the markers, or all of it.

    >>> cut_before("so 4.\\nQ: and", ["Q:", "A:"])
    'so 4.\\n'
    """
    found = [index for marker in stop if (index := text.find(marker)) >= 0]
    return text[: min(found)] if found else text
