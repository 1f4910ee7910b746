"""What tokens cost, by model name. An unknown price is None and never zero.

Not covered: the higher tariffs of very long prompts (beyond 272,000 tokens at OpenAI, 100,000 for Claude Haiku 5.5),
batch and priority service, regional surcharges.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.chat import Request, Usage

SNAPSHOT = re.compile(r"(-\d{4}-?\d{2}-?\d{2}|-latest)?")
"""What may follow a model's name; anything else, as in gpt-5 and gpt-5-pro, is another model with another price."""


@dataclass(frozen=True)
class Price:
    """USD for a million tokens."""

    input: float
    output: float
    cached: float
    """Of the prompt, read from the cache."""
    written: float
    """Of the prompt, written to the cache."""

    def usd(self, usage: Usage) -> float:
        fresh = usage.tokens_in - usage.cached - usage.written
        spent = fresh * self.input + usage.cached * self.cached + usage.written * self.written
        return (spent + usage.tokens_out * self.output) / 1e6

    def most_usd(self, request: Request) -> float:
        """A request's cost if nothing is cached and the reply is as long as it may be."""
        return (request.prompt_tokens() * max(self.input, self.written) + request.output_tokens * self.output) / 1e6


PRICES: Mapping[str, Price] = {
    # platform.claude.com/docs, pricing, and for what is newer than 5 others that quote it, October 2026
    "claude-opus-5-5": Price(4, 20, 0.2, 5),
    "claude-opus-5": Price(5, 25, 0.5, 6.25),
    "claude-opus-4-8": Price(5, 25, 0.5, 6.25),
    "claude-opus-4-7": Price(5, 25, 0.5, 6.25),
    "claude-opus-4-6": Price(5, 25, 0.5, 6.25),
    "claude-opus-4-5": Price(5, 25, 0.5, 6.25),
    "claude-sonnet-5-5": Price(2, 10, 0.1, 2.5),
    "claude-sonnet-5": Price(2, 10, 0.2, 2.5),
    "claude-sonnet-4-6": Price(3, 15, 0.3, 3.75),
    "claude-sonnet-4-5": Price(3, 15, 0.3, 3.75),
    "claude-haiku-5-5": Price(0.1, 0.5, 0.01, 0.125),
    "claude-haiku-4-5": Price(1, 5, 0.1, 1.25),
    # developers.openai.com, pricing, standard tier, as others quote it, October 2026; gpt-6-astra's cache writes at
    # 1.25 times its input, as for the other gpt-6
    "gpt-6-astra": Price(10, 50, 1, 12.5),
    "gpt-6-sol": Price(2, 10, 0.2, 2.5),
    "gpt-6-luna": Price(0.1, 0.5, 0.01, 0.125),
    "gpt-6.1-terra": Price(1, 5, 0.05, 1.25),
    "gpt-5.4": Price(2.5, 15, 0.25, 2.5),
    "gpt-5.4-mini": Price(0.75, 4.5, 0.075, 0.75),
    "gpt-5": Price(1.25, 10, 0.125, 1.25),
    "gpt-5-mini": Price(0.25, 2, 0.025, 0.25),
    "gpt-4.1": Price(2, 8, 0.5, 2),
    "gpt-4.1-mini": Price(0.4, 1.6, 0.1, 0.4),
    "gpt-4o": Price(2.5, 10, 1.25, 2.5),
    "gpt-4o-mini": Price(0.15, 0.6, 0.075, 0.15),
}


def find_price(model: str, prices: Mapping[str, Price]) -> Price | None:
    """The price of a model, or of the model that it is a dated snapshot of."""
    names = (name for name in prices if model.startswith(name) and SNAPSHOT.fullmatch(model, len(name)))
    return next((prices[name] for name in sorted(names, key=len, reverse=True)), None)


def read_prices(text: str) -> dict[str, Price]:
    """The table with a user's own prices: `my-model=0.5/2, other=1/4/0.1` (in / out / cached / written).

    Raises:
        SettingsError: LLM_PRICES has another form.
    """
    entries = (entry.strip() for entry in text.split(","))
    return {**PRICES, **dict(_entry(entry) for entry in entries if entry)}


def _entry(entry: str) -> tuple[str, Price]:
    name, _, numbers = (part.strip() for part in entry.rpartition("="))
    try:
        usd = [float(number) for number in numbers.split("/")]
    except ValueError:
        usd = []
    if not name or len(usd) not in {2, 3, 4} or not all(0 <= number < math.inf for number in usd):
        raise SettingsError(
            f"LLM_PRICES has {entry!r}, which will not do: write MODEL=IN/OUT, USD for a million tokens."
        )
    cached, written = [*usd[2:], *[usd[0]] * 2][:2]
    return name, Price(usd[0], usd[1], cached, written)
