"""Anthropic's messages. The stable part of the system prompt is marked for the prompt cache (5 minutes)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from orchestrator.chat import Usage
from orchestrator.providers.exchange import Answer, asked_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from orchestrator.chat import Message, Request
    from orchestrator.providers.endpoint import Endpoint

BASE_URL = "https://api.anthropic.com"
CUT_OFF = {"max_tokens", "model_context_window_exceeded"}


class AnthropicDialect:
    """Messages through the `anthropic` SDK."""

    optional: Mapping[str, str] = {
        "temperature": "temperature",
        "output_config": "output_config|output_format|structured output|json_schema",
    }

    def __init__(self, endpoint: Endpoint) -> None:
        import anthropic

        from orchestrator.providers.deadline import bound_replies, time_outs

        self.sdk: Any = anthropic
        self._client = anthropic.Anthropic(
            api_key=endpoint.key,
            base_url=endpoint.base_url,
            timeout=time_outs(endpoint.timeout),
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(event_hooks=bound_replies(endpoint.timeout)),
        )

    def send(self, model: str, request: Request, dropped: AbstractSet[str]) -> object:
        options: dict[str, Any] = {}
        if request.temperature is not None and "temperature" not in dropped:
            # Newer models take none, and the SDK has no argument for it any more: it goes into the body as is.
            options["extra_body"] = {"temperature": request.temperature}
        if request.schema is not None and "output_config" not in dropped:
            options["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema)}}
        return self._client.messages.create(
            model=model,
            max_tokens=request.output_tokens,
            system=_system(request, in_words=request.schema is not None and "output_config" in dropped),
            messages=[_message(message) for message in request.messages],
            **options,
        )

    def read(self, answer: Any) -> Answer:
        texts = [block.text for block in answer.content if block.type == "text"]
        return Answer(text="".join(texts), cut_off=answer.stop_reason in CUT_OFF, usage=_usage(answer.usage))


def _system(request: Request, *, in_words: bool) -> Any:
    stable = {"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}
    return [stable, {"type": "text", "text": asked_schema(request)}] if in_words else [stable]


def _message(message: Message) -> Any:
    return {"role": message.role, "content": [*map(_image, message.images), {"type": "text", "text": message.text}]}


def _image(png: bytes) -> dict[str, Any]:
    data = base64.b64encode(png).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def _usage(counted: Any) -> Usage | None:
    """Anthropic counts the prompt in three disjoint parts: read from the cache, written to it, neither."""
    if not isinstance(getattr(counted, "input_tokens", None), int):
        return None
    cached = int(getattr(counted, "cache_read_input_tokens", None) or 0)
    written = int(getattr(counted, "cache_creation_input_tokens", None) or 0)
    return Usage(
        tokens_in=counted.input_tokens + cached + written,
        tokens_out=int(counted.output_tokens or 0),
        cached=cached,
        written=written,
    )
