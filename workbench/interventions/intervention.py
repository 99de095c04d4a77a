"""One way to step into a student's reasoning: when it fires, and what it does then."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from workbench.errors import InputError
from workbench.inference import Command, Encoder, Inject, View
from workbench.records import Event


@dataclass(frozen=True)
class Intervention:
    """The base of all interventions (ours).

    A new one is a frozen dataclass with `fires` and, unless it injects ``text``, `act`:

    >>> @dataclass(frozen=True)
    ... class Hint(Intervention):
    ...     text: str = "Hint: draw a table."
    ...     def fires(self, view):
    ...         return "the answer begins" if not view.token_ids else None
    """

    limit: int = 1
    """How often it may fire in one answer."""
    text: str = ""
    """What it injects."""

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InputError(f"{self.name}: limit={self.limit} must be at least 1; leave the intervention out instead")

    @property
    def name(self) -> str:
        """The class name."""
        return type(self).__name__

    def fires(self, view: View) -> str | None:
        """Returns why it steps in before the proposed token, in one line; ``None`` lets it pass."""
        raise InputError(f"{self.name} does not say when it fires: give it a method fires(view)")

    def act(self, view: View, reason: str, encode: Encoder) -> Command:
        """Injects ``text``; override for anything else."""
        return inject(self.name, view, reason, self.text, encode)

    def to_dict(self) -> dict[str, Any]:
        """Returns the intervention as JSON values."""
        return {"kind": self.name, **asdict(self)}


def inject(name: str, view: View, reason: str, text: str, encode: Encoder) -> Inject:
    """Builds the command that writes ``text`` and the event that records it.

    Raises:
        InputError: where the text has no tokens.
    """
    ids = tuple(encode(text))
    if not ids:
        raise InputError(f"{name} injects an empty text; give it some words")
    event = Event(
        intervention=name,
        position=len(view.token_ids),
        reason=reason,
        action="inject",
        text=text,
        added_tokens=len(ids),
    )
    return Inject(ids, event)
