"""One exchange with a provider: the part that both SDKs have in common. They name their errors alike."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.chat import BYTES_A_TOKEN, Reply, TransientError, Usage
from orchestrator.providers.refusal import meaning, output_too_long, read_refusal, unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from orchestrator.chat import Request
    from orchestrator.providers.endpoint import Endpoint

ENOUGH_UNREADABLE = 3
"""Replies in a row that are none: the address is some other kind of server."""
HALVINGS = 6
"""From 16,000 tokens of output to 250, which is no reply any more."""
JSON_WANTED = "Answer with one JSON object and nothing else: no fence, no comment. It has to fit this JSON schema:\n"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a dialect read from an SDK's object."""

    text: str
    cut_off: bool
    usage: Usage | None
    """None where the server did not count."""


class Dialect(Protocol):
    """A provider's wire format, spoken through its SDK."""

    sdk: Any
    """The SDK's module: its errors."""
    optional: Mapping[str, str]
    """Parameters that not every model takes -> what a server may call them, a pattern."""

    def send(self, model: str, request: Request, dropped: AbstractSet[str]) -> object:
        """Make the call, without the dropped parameters."""
        ...

    def read(self, answer: Any) -> Answer:
        """Read the reply; any AttributeError, IndexError or TypeError means that it is none."""
        ...


class Exchange:
    """A chat model behind a dialect; remembers which parameters the model does not take."""

    def __init__(self, model: str, dialect: Dialect, endpoint: Endpoint) -> None:
        self.model = model
        self._dialect = dialect
        self._endpoint = endpoint
        self._dropped: set[str] = set()
        self._halvings = 0

    def ask(self, request: Request) -> Reply:
        """Ask once.

        Raises:
            ContextTooLongError: the request is longer than the model can read.
            TransientError: the same request may well succeed later.
            ChatError: it never will.
        """
        began = time.monotonic()
        answer = self._answer(request)
        return Reply(
            text=answer.text,
            usage=answer.usage or _estimate(request, answer.text),
            seconds=round(time.monotonic() - began, 3),
            model=self.model,
            cut_off=answer.cut_off,
        )

    def _answer(self, request: Request) -> Answer:
        """Ask, at most once for each parameter or length that turns out not to be taken and once more."""
        sdk, host = self._dialect.sdk, self._endpoint.host
        try:
            answer = self._dialect.send(self.model, self._shorter(request), frozenset(self._dropped))
        except sdk.APIStatusError as error:
            self._drop_or_raise(error)
        except sdk.APITimeoutError:
            seconds = self._endpoint.timeout
            raise TransientError(f"{host} did not answer within {seconds:g} s (LLM_TIMEOUT_SECONDS).") from None
        except sdk.APIConnectionError as error:
            reason = self._endpoint.redact(str(error.__cause__ or error)).rstrip(".")
            raise TransientError(f"No connection to {host}: {reason}.") from None
        except (json.JSONDecodeError, UnicodeDecodeError, sdk.APIError):
            raise self._unreadable() from None
        else:
            return self._read(answer)
        return self._answer(request)

    def _read(self, answer: object) -> Answer:
        try:
            return self._dialect.read(answer)
        except (AttributeError, IndexError, TypeError, ValueError, OverflowError):
            raise self._unreadable() from None

    def _unreadable(self) -> TransientError:
        check = f"check {self._endpoint.url_variable} if you set it"
        return TransientError(f"What {self._endpoint.host} answers is no chat reply: {check}.", tries=ENOUGH_UNREADABLE)

    def _shorter(self, request: Request) -> Request:
        """With as long a reply as the model may give, as far as that is known."""
        return replace(request, output_tokens=request.output_tokens >> self._halvings)

    def _drop_or_raise(self, error: Any) -> None:
        refusal = read_refusal(error.response, self._endpoint)
        if output_too_long(refusal) and self._halvings < HALVINGS:
            self._halvings += 1
            return
        left = {name: words for name, words in self._dialect.optional.items() if name not in self._dropped}
        parameter = unsupported(refusal, left)
        if parameter is None:
            raise meaning(refusal, self.model, self._endpoint) from None
        self._dropped.add(parameter)


def asked_schema(request: Request) -> str:
    """The request for JSON in words, for models without schema support."""
    return JSON_WANTED + json.dumps(request.schema)


def _estimate(request: Request, text: str) -> Usage:
    return Usage(
        tokens_in=request.prompt_tokens(), tokens_out=len(text.encode(errors="replace")) // BYTES_A_TOKEN, counted=False
    )
