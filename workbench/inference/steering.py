"""How a program steps into one row of a running batch: what it sees and what it may ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from workbench.errors import InputError
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
    logits_V: Any = None
    """The model's scores of all next tokens, a tensor that must not be changed."""

    @cached_property
    def text(self) -> str:
        """What was written so far; a character whose bytes are not all there yet is left out."""
        return self.decode(self.token_ids)

    @cached_property
    def proposed_text(self) -> str:
        """What the proposed token would add; empty for an end token."""
        return self.decode((self.proposed,))

    @cached_property
    def entropy(self) -> float:
        """Of the model's next-token distribution, in nats: how unsure it is."""
        logprobs_V = self.logits_V.float().log_softmax(-1)
        return float(-(logprobs_V.exp() * logprobs_V).nansum())


@dataclass(frozen=True, slots=True)
class Inject:
    """Write these tokens, at least one, instead of the proposed one; the model then goes on."""

    token_ids: tuple[int, ...]
    event: Event

    def __post_init__(self) -> None:
        if not self.token_ids:
            raise InputError(f"{self.event.intervention} injects no tokens; let the proposed one pass instead")


@dataclass(frozen=True, slots=True)
class Rewind:
    """Take back all but the first ``keep`` tokens and write ``token_ids`` there; the model then goes on.

    Without new tokens the model would write the same again, since the noise belongs to the position.
    """

    keep: int
    token_ids: tuple[int, ...]
    event: Event


@dataclass(frozen=True, slots=True)
class Branch:
    """Let the row go on in several ways: itself as proposed, and one copy under each further sample number.

    The copies share what was written so far, and differ by their own sampling noise and steering.
    """

    samples: tuple[int, ...]
    event: Event
    steering: Steering | None = None
    """Who may step into the copies."""


@dataclass(frozen=True, slots=True)
class End:
    """End the row here; the proposed token is not written."""

    event: Event


Command = Inject | Rewind | Branch | End


class Controller(Protocol):
    """Watches one row."""

    def __call__(self, view: View) -> Command | None:
        """Returns what to do before the proposed token is written; ``None`` lets it pass."""


class Steering(Protocol):
    """Makes a fresh controller for each row."""

    def controller(self, encode: Encoder) -> Controller:
        """Returns the controller of a new row; ``encode`` turns text into token ids."""


class Encoder(Protocol):
    """Turns a text to inject into token ids, with no control token among them."""

    def __call__(self, text: str) -> list[int]:
        """Returns the ids."""
