"""How strict each filter is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, get_args

from workbench.errors import InputError

Mode = Literal["strict", "lenient", "off"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """One mode per filter; the fields stand in the order in which the filters look at a trace.

    ``off`` lets everything pass. A trace is counted for the first filter that drops it.

    Raises:
        InputError: naming the filter and the modes, for a mode that is none.
    """

    truncation: Mode = "strict"
    """strict: the trace must have ended by itself; lenient: one that was cut off passes where it has an answer."""
    format: Mode = "strict"
    """strict: an answer, and every required section of a trace that has steps; lenient: an answer, and steps or
    raw reasoning that lead to it."""
    wrong_answer: Mode = "lenient"
    """strict: the answer must be known to be right; lenient: it must not be known to be wrong."""
    control_tokens: Mode = "strict"
    """strict: no marker of a chat template or of thinking anywhere; lenient: plain tags pass, such as ``<s>`` or
    ``<think>``, since HTML and reasoning models write them."""
    repetition: Mode = "strict"
    """strict: no block four times in a row, see `workbench.curation.filters.repetition`; lenient: not eight times."""
    language: Mode = "strict"
    """strict: the trace is in the language that was asked for, and its question's; lenient: in either of them."""
    missing_figures: Mode = "strict"
    """strict: no marker of an image, and no words about a figure that is not there; lenient: no marker."""
    length: Mode = "strict"
    """strict: at most ``max_tokens``; lenient: up to a quarter more."""

    def __post_init__(self) -> None:
        for name, mode in self.items():
            if mode not in MODES:
                raise InputError(f"filters: {name} is {mode!r}; it must be one of {', '.join(MODES)}")

    def items(self) -> Iterator[tuple[str, Mode]]:
        """Yields each filter's name and mode, in the order in which they are applied."""
        return ((name, getattr(self, name)) for name in FILTERS)

    @classmethod
    def of(cls, modes: Filters | dict[str, str]) -> Filters:
        """Returns filters from modes by name; those that are not named keep their default.

        >>> Filters.of({"language": "off"}).language
        'off'

        Raises:
            InputError: naming the filters, where a name is none of them.
        """
        if isinstance(modes, Filters):
            return modes
        if unknown := sorted(set(modes) - set(FILTERS)):
            raise InputError(f"filters: there is none called {unknown[0]!r}; they are {', '.join(FILTERS)}")
        return cls(**modes)  # type: ignore[arg-type]


FILTERS: tuple[str, ...] = tuple(field.name for field in fields(Filters))
"""The filters' names, in the order in which they are applied."""
