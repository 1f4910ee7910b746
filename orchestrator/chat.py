"""Talking to a language model: one Protocol with one method, and the values that go in and come out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from orchestrator.errors import ChatError

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_A_TOKEN = 3
"""Code and English have 3.3 to 4.5 bytes a token, Chinese about 3; three overestimates, as a cap should."""
IMAGE_TOKENS = 1600
"""Of an image that fills what Anthropic looks at (1.15 megapixels at 750 a token); OpenAI counts fewer."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[bytes, ...] = ()
    """PNG files, shown before the text."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What an agent asks."""

    agent: str
    """Who asks: a line of the bill."""
    iteration: int
    system: str
    """The part of the prompt that is the same each time this agent asks: marked for the provider's prompt cache."""
    messages: tuple[Message, ...]
    """Oldest first; the last one is the user's."""
    output_tokens: int
    """The longest reply, hidden reasoning included."""
    temperature: float | None = None
    """None: the model's own; a model that takes none is asked without."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of an object: the reply is to be one. For all providers alike: every property required,
    `additionalProperties` false. It is enforced where the provider can, else asked for: check the reply."""

    def prompt_tokens(self) -> int:
        """An estimate on the high side."""
        schema = json.dumps(self.schema) if self.schema else ""
        texts = (self.system, schema, *(message.text for message in self.messages))
        images = sum(len(message.images) for message in self.messages)
        return sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN + IMAGE_TOKENS * images


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of an exchange."""

    tokens_in: int
    """Of the prompt, those from and to the cache included."""
    tokens_out: int
    """Of the reply, hidden reasoning included."""
    cached: int = 0
    """Of the prompt: read from the provider's cache."""
    written: int = 0
    """Of the prompt: written to the provider's cache, where that has a price of its own."""
    counted: bool = True
    """False where the server did not count, and these are estimates."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the model answered: untrusted text."""

    text: str
    """May be empty: a refusal, or reasoning that used up the output limit."""
    usage: Usage
    seconds: float
    model: str
    """As asked for."""
    cut_off: bool
    """It reached the output limit, or the end of the context."""


class ChatModel(Protocol):
    """A language model that answers."""

    @property
    def model(self) -> str:
        """The provider's name for it."""
        ...

    def ask(self, request: Request) -> Reply:
        """Send a request and wait for the reply.

        Raises:
            ContextTooLongError: the request is longer than the model can read; a shorter one may do.
            ChatError: no reply can be had.
        """
        ...


class ContextTooLongError(ChatError):
    """Raised when a request is longer than the model can read."""


class TransientError(Exception):
    """Raised when the same request may well succeed later; `patience` turns it into waiting, then a ChatError."""

    def __init__(self, sentence: str, *, after: float | None = None, tries: int | None = None) -> None:
        """`after`: seconds to wait, as the server asks; `tries`: so many in all are enough to know."""
        super().__init__(sentence)
        self.after = after
        self.tries = tries
