"""How a program steps into one row of a running batch: what it sees and what it may ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from workbench.records import Event


@dataclass(frozen=True)
class View:
    """A row as its controller sees it before a token is added; texts are decoded when asked for."""

    token_ids: tuple[int, ...]
    """Everything written so far, injected tokens included."""
    proposed: int
    """The token that the model wants to write next."""
    wants_to_end: bool
    """True where ``proposed`` is an end token."""
    max_tokens: int
    """The row's hard limit, which no intervention can lift."""
    decode: Callable[[Sequence[int]], str]

    @cached_property
    def text(self) -> str:
        """What was written so far."""
        return self.decode(self.token_ids)

    @cached_property
    def proposed_text(self) -> str:
        """What the proposed token would add; empty for an end token."""
        return self.decode((self.proposed,))


@dataclass(frozen=True, slots=True)
class Inject:
    """Write these tokens instead of the proposed one; the model then goes on."""

    token_ids: tuple[int, ...]
    event: Event


@dataclass(frozen=True, slots=True)
class End:
    """End the row here; the proposed token is not written."""

    event: Event


class Controller(Protocol):
    """Watches one row."""

    def __call__(self, view: View) -> Inject | End | None:
        """Returns what to do before the proposed token is written; ``None`` lets it pass."""


class Steering(Protocol):
    """Makes a fresh controller for each row."""

    def controller(self, encode: Encoder) -> Controller:
        """Returns the controller of a new row; ``encode`` turns text into token ids."""


class Encoder(Protocol):
    """Turns a text to inject into token ids, with no control token among them."""

    def __call__(self, text: str) -> list[int]:
        """Returns the ids."""
