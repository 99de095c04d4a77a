"""API keys: taken from the environment or from Colab's secrets, never written down, never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass

from workbench.errors import TeacherError

_SHORTEST = 8
"""Characters; hiding shorter values would eat ordinary words."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A secret that does not show itself in messages, tracebacks or reprs."""

    _value: str

    def reveal(self) -> str:
        """Returns the secret, for a provider's client alone."""
        return self._value

    def hidden(self, text: str) -> str:
        """Returns ``text`` without the secret: servers quote keys in their complaints."""
        return text.replace(self._value, "[key]") if len(self._value) >= _SHORTEST else text

    def __repr__(self) -> str:
        return "Key([hidden])"


def find_key(variable: str) -> Key | None:
    """Returns the secret of that name from the environment, or else from Colab's; ``None`` where there is none."""
    value = os.environ.get(variable, "").strip() or _from_colab(variable)
    return Key(value) if value else None


def require_key(variable: str, teacher: str) -> Key:
    """As `find_key`.

    Raises:
        TeacherError: where there is none, with how to set it.
    """
    key = find_key(variable)
    if key is None:
        raise TeacherError(f"{teacher} needs a key: set the environment variable {variable}, or Colab's secret of it")
    return key


def _from_colab(variable: str) -> str:
    try:
        from google.colab import userdata
    except ImportError:
        return ""
    try:
        return str(userdata.get(variable) or "").strip()
    except Exception:  # not granted, not there, or no browser to ask: all mean that there is no key
        return ""
