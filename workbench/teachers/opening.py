"""From a teacher's name to the teacher: ``worked``, ``replay:FILE``, ``openai:MODEL``, ``anthropic:MODEL``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from workbench.errors import InputError
from workbench.teachers.clients import AnthropicTeacher, OpenAITeacher
from workbench.teachers.local import ReplayTeacher, WorkedTeacher
from workbench.teachers.prices import FREE, PRICES_OF, Price, listed_price
from workbench.teachers.responses import ResponsesTeacher
from workbench.teachers.secrets import Key, find_key, require_key
from workbench.teachers.teacher import Teacher

HOMES = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
KINDS = "worked, replay:FILE, openai:MODEL, anthropic:MODEL"
_HERE = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherConfig:
    """How a teacher behind an API is asked.

    Raises:
        InputError: naming the field and the fix.
    """

    base_url: str | None = None
    """Of another server that speaks the provider's protocol."""
    key_variable: str | None = None
    """The environment variable that holds the key; by default the provider's own."""
    api: Literal["chat", "responses"] = "chat"
    """Of an ``openai:`` teacher: chat completions, or OpenAI's Responses API, which returns summaries of thoughts."""
    max_tokens: int = 4_096
    """Tokens of a reply, thoughts included, at most; the worst case is reserved before each call."""
    timeout_s: float = 300.0
    """Seconds without a sign of life after which a call is given up."""
    temperature: float | None = None
    """Of the sampling; by default the model's own, and many take no other."""
    price_in: float | None = None
    """US dollars per million tokens sent."""
    price_out: float | None = None
    """US dollars per million tokens written."""
    free: bool = False
    """The calls cost nothing, as those to a server of one's own."""
    batch: bool = False
    """Ask by the provider's batch API, at half the listed price; a price that is given counts as it is given."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.timeout_s <= 0:
            raise InputError(f"max_tokens={self.max_tokens} and timeout_s={self.timeout_s} must be above 0")
        if (self.price_in is None) != (self.price_out is None):
            raise InputError("a price has two parts; give both --price-in and --price-out")
        if self.free and self.price_in is not None:
            raise InputError("--free and --price-in exclude one another; give one of them")
        if self.base_url is not None:
            _check_url(self.base_url)


def _check_url(url: str) -> None:
    """Keys belong into the environment: an address is written down, in ledgers and in errors."""
    try:
        parts = urlsplit(url)
        secret = parts.username or parts.password or parts.query or parts.fragment
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        secret, valid = "", False
    if secret:
        raise InputError("the base URL holds a name, key or query; give the plain address, and the key by environment")
    if not valid:
        raise InputError(f"{url!r} is no base URL; it looks like http://127.0.0.1:8000/v1")


def open_teacher(name: str, config: TeacherConfig | None = None, *, asks: bool = True) -> Teacher:
    """Returns a teacher by its name.

    Args:
        name: ``worked``, ``replay:FILE``, ``openai:MODEL`` or ``anthropic:MODEL``.
        config: see its fields.
        asks: False where only an estimate is wanted, for which no key is needed.

    Raises:
        InputError: for an unknown name, or a model whose price is not known.
        TeacherError: where the key is missing.
    """
    config = config or TeacherConfig()
    kind, _, rest = name.partition(":")
    if config.batch and kind not in HOMES:
        raise InputError(f"--batch is for teachers behind an API, and {name} is none; leave it out")
    if name == "worked":
        return WorkedTeacher()
    if kind == "replay" and rest:
        return ReplayTeacher(Path(rest))
    if kind not in HOMES or not rest.strip():
        raise InputError(f"no teacher {name!r}; there are {KINDS}")
    home = os.environ.get(f"{kind.upper()}_BASE_URL") or HOMES[kind]
    url = (config.base_url or home).rstrip("/")
    _check_url(url)
    is_official = url == HOMES[kind]
    price = _price(kind, rest, config, is_official)
    variable = config.key_variable or f"{kind.upper()}_API_KEY"
    key = _key(variable, name, url) if asks else Key("")
    shared = (rest, price, url, key, config.max_tokens, config.timeout_s, config.temperature)
    if config.api == "responses" and kind != "openai":
        raise InputError(f"--api responses is for openai:MODEL, and {name} is none; leave it out")
    if kind == "openai":
        return (ResponsesTeacher if config.api == "responses" else OpenAITeacher)(
            *shared, is_official=is_official, is_batched=config.batch
        )
    return AnthropicTeacher(*shared, is_batched=config.batch)


def _price(kind: str, model: str, config: TeacherConfig, is_official: bool) -> Price:
    if config.free:
        return FREE
    if config.price_in is not None and config.price_out is not None:
        return Price(config.price_in, config.price_out)
    listed = listed_price(kind, model) if is_official else None
    if listed is None:
        where = "" if is_official else " at this address"
        raise InputError(
            f"the price of {kind}:{model}{where} is not known (table of {PRICES_OF}): give --price-in and --price-out "
            f"in US dollars per million tokens, or --free where it costs nothing"
        )
    return listed.half() if config.batch else listed


def _key(variable: str, name: str, url: str) -> Key:
    if urlsplit(url).hostname in _HERE:
        return find_key(variable) or Key("unused")  # servers of one's own seldom want a key, the clients always do
    return require_key(variable, name)
