"""What language-model teachers cost: one dated table. Check the provider's own page before large collections."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from workbench.errors import InputError

PRICES_OF = "2026-11-25"
"""When the table was gathered, from pages of providers and of others who list them; some figures rest on one page
alone. US dollars per million tokens, standard tier, for prompts of less than 100,000 tokens (longer ones cost more, and
are not sent). Batches cost half."""

NANO = 1_000_000_000
"""Money is counted in whole billionths of a dollar, so that no sum ever rounds."""

_TABLE: dict[str, dict[str, tuple[float, float]]] = {
    "openai": {
        "gpt-6-astra": (10.00, 50.00),
        "gpt-6-sol": (2.00, 10.00),
        "gpt-6.1-sol": (2.00, 10.00),
        "gpt-6.1-terra": (1.00, 5.00),
        "gpt-6-luna": (0.10, 0.50),
        "gpt-5.6-sol": (5.00, 30.00),
        "gpt-5.6-terra": (2.00, 12.00),
        "gpt-5.6-luna": (0.20, 1.20),
        "gpt-5.5": (5.00, 30.00),
        "gpt-5.4": (2.50, 15.00),
        "gpt-5.4-mini": (0.75, 4.50),
        "gpt-5.4-nano": (0.20, 1.25),
        "gpt-5-mini": (0.25, 2.00),
        "gpt-4.1": (2.00, 8.00),
    },
    "anthropic": {
        "claude-fable-5-1": (10.00, 50.00),
        "claude-fable-5": (10.00, 50.00),
        "claude-opus-5-5": (4.00, 20.00),
        "claude-opus-5": (5.00, 25.00),
        "claude-opus-4-8": (5.00, 25.00),
        "claude-opus-4-7": (5.00, 25.00),
        "claude-opus-4-6": (5.00, 25.00),
        "claude-opus-4-5": (5.00, 25.00),
        "claude-sonnet-5-5": (2.00, 10.00),
        "claude-sonnet-5": (2.00, 10.00),
        "claude-sonnet-4-6": (3.00, 15.00),
        "claude-sonnet-4-5": (3.00, 15.00),
        "claude-haiku-5-5": (0.10, 0.50),
        "claude-haiku-4-5": (1.00, 5.00),
    },
}
_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input_usd: float
    output_usd: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) and value >= 0 for value in (self.input_usd, self.output_usd)):
            raise InputError(f"a price of {self.input_usd} in and {self.output_usd} out is none; use 0 or more")

    def cost(self, input_tokens: int, output_tokens: int) -> int:
        """Returns the cost in billionths of a dollar, rounded up.

        >>> Price(0.25, 2.00).cost(1_000_000, 500_000) / NANO
        1.25
        """
        # A dollar per million tokens is a thousand billionths per token.
        return math.ceil(1_000 * (input_tokens * self.input_usd + output_tokens * self.output_usd) - 1e-6)

    def half(self) -> Price:
        """Returns what batches cost."""
        return Price(self.input_usd / 2, self.output_usd / 2)

    def __str__(self) -> str:
        return f"${self.input_usd:g} in and ${self.output_usd:g} out per million tokens"


FREE = Price(0.0, 0.0)


def listed_price(provider: str, model: str) -> Price | None:
    """Returns a model's price from the table; a dated name is priced as the model it is a version of.

    >>> listed_price("anthropic", "claude-haiku-4-5-20251001")
    Price(input_usd=1.0, output_usd=5.0)
    """
    models = _TABLE.get(provider, {})
    found = models.get(model) or models.get(_DATE.sub("", model))
    return Price(*found) if found else None


def dollars(nano_usd: int) -> str:
    """Returns an amount for people.

    >>> dollars(1_250_000_000), dollars(4_200_000), dollars(12_000), dollars(0)
    ('$1.25', '$0.0042', '$0.000012', '$0.00')
    """
    amount = nano_usd / NANO
    if amount >= 0.1 or not nano_usd:
        return f"${amount:,.2f}"
    return f"${float(f'{amount:.2g}'):.9f}".rstrip("0")
