"""API keys: taken from the environment, Colab's secrets or a prompt, never written down, never shown."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
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
    """Returns the secret of that name from the environment, or else from Colab's; ``None`` where there is none.

    Raises:
        TeacherError: where it cannot be a key.
    """
    value = os.environ.get(variable, "").strip() or _from_colab(variable)
    return _checked(value, variable) if value else None


def require_key(variable: str, teacher: str) -> Key:
    """As `find_key`, and asks where somebody is there to type it.

    Raises:
        TeacherError: where there is none, with how to set it.
    """
    key = find_key(variable) or _from_prompt(variable, teacher)
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


def _from_prompt(variable: str, teacher: str) -> Key | None:
    """Typed without being shown; ``None`` where nobody is there, as in a pipe or a notebook that runs by itself."""
    in_notebook = getpass.getpass.__module__.startswith("ipykernel")  # a kernel puts its own in the place
    if not in_notebook and not (sys.stdin and sys.stdin.isatty()):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # rather no key than one that everybody reads
        try:
            value = getpass.getpass(f"{teacher} needs a key; {variable} (not shown, for this run only): ").strip()
        except (getpass.GetPassWarning, EOFError, OSError, NotImplementedError):
            return None
    return _checked(value, variable) if value else None


def _checked(value: str, variable: str) -> Key:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise TeacherError(f"{variable} holds a space, a line break or a special character: set the key again")
    return Key(value)
