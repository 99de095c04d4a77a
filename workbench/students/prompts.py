"""A question as token ids: the template's own markers as tokens, outside text as text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workbench.errors import InputError, StudentError

_SLOT = "\u2402question\u2402"


@dataclass(frozen=True)
class Prompter:
    """Encodes chats for one tokenizer so that outside text can never become a control token.

    A chat template is rendered once with a slot where the question goes; what stands around the slot
    is encoded with its markers, the question apart as plain text, and the ids are joined (ours).

    Args:
        tokenizer: a transformers tokenizer with a chat template.

    Raises:
        StudentError: on first use, where there is no chat template or it drops the question.
    """

    tokenizer: Any

    @cached_property
    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if not getattr(self.tokenizer, "chat_template", None):
            raise StudentError("this student has no chat template; choose an instruction-tuned one")
        rendered = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": _SLOT}], tokenize=False, add_generation_prompt=True
        )
        before, slot, after = rendered.partition(_SLOT)
        if not slot:
            raise StudentError("this student's chat template drops the user's text; choose another student")
        return tuple(self._marked(before)), tuple(self._marked(after))

    @property
    def opening(self) -> tuple[int, ...]:
        """The ids that every prompt begins with, whatever the question."""
        return self._frame[0]

    def _marked(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    @cached_property
    def _control(self) -> re.Pattern[str] | None:
        added = sorted((token.content for token in self.tokenizer.added_tokens_decoder.values()), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, added))) if added else None

    def text_ids(self, text: str) -> list[int]:
        """Encodes outside text: no added token is ever among the ids.

        Each occurrence of an added token is cut after its first character and the pieces are encoded
        apart. Tokenizers can split special tokens themselves, but leave added ones that are not
        special (such as ``<think>``) active.
        """
        if self._control is None or not self._control.search(text):
            return self._marked(text)
        ids: list[int] = []
        start = 0
        # Searched anew after each cut: what is left of one token may begin with another.
        while match := self._control.search(text, start):
            cut = match.start() + 1
            ids += self._plain(text[start:cut])
            start = cut
        return ids + self._marked(text[start:])

    def _plain(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return ids

    def check_question(self, question: str) -> None:
        """Makes sure that a student would read what was asked.

        Raises:
            InputError: where there is nothing to read, or where the tokenizer loses some of it.
        """
        if not question.strip():
            raise InputError("the question is empty; write one")
        try:
            question.encode()
            read = self.tokenizer.decode(self.text_ids(question), clean_up_tokenization_spaces=False)
        except UnicodeEncodeError as error:
            half = question[error.start]
            raise InputError(f"the question holds U+{ord(half):04X}, half of a character; remove it") from error
        if (lost := _first_difference(question, read)) is not None:
            raise InputError(f"this student's tokenizer cannot write {lost!r}; leave it out, or choose another student")

    def question_ids(self, question: str) -> list[int]:
        """Returns the whole prompt for a question, ready for the student's answer."""
        before, after = self._frame
        return [*before, *self.text_ids(question.strip()), *after]

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of generated ids; control tokens are left out."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def count(self, text: str) -> int:
        """Returns the number of tokens of an outside text."""
        return len(self.text_ids(text))


def _first_difference(text: str, read: str) -> str | None:
    """The first word that a tokenizer changes beyond spaces and compatible forms; ``None`` where it keeps all."""
    text, read = (unicodedata.normalize("NFKC", side) for side in (text, read))
    if "".join(text.split()) == "".join(read.split()):
        return None
    kept = "".join(read.split())
    for word in text.split():
        if not kept.startswith(word):
            return word[:40]
        kept = kept[len(word) :]
    return text[-40:]
