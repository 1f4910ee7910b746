"""OpenAI's chat completions: what llama.cpp, vLLM, Ollama and most gateways speak too.

OpenAI caches what stands first by itself. Replies are not streamed: one is complete, or it is asked for again.
"""

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

BASE_URL = "https://api.openai.com/v1"
LIMITS = ("max_completion_tokens", "max_tokens")
NO_KEY = "none"
"""The SDK insists on one; local servers want none."""


class OpenAIDialect:
    """Chat completions through the `openai` SDK."""

    optional: Mapping[str, str] = {
        "temperature": "temperature",
        "response_format": "response_format|json_schema|structured output|grammar",
        "max_tokens": "max_tokens|max_completion_tokens",
    }

    def __init__(self, endpoint: Endpoint) -> None:
        import openai

        from orchestrator.providers.deadline import bound_replies, time_outs

        self.sdk: Any = openai
        # Ollama knows max_tokens alone, OpenAI's reasoning models the other alone: the second is tried if the first
        # is not taken.
        self.limits = LIMITS if endpoint.base_url == BASE_URL else LIMITS[::-1]
        self._client = openai.OpenAI(
            api_key=endpoint.key or NO_KEY,
            base_url=endpoint.base_url,
            timeout=time_outs(endpoint.timeout),
            max_retries=0,
            http_client=openai.DefaultHttpx2Client(event_hooks=bound_replies(endpoint.timeout)),
        )

    def send(self, model: str, request: Request, dropped: AbstractSet[str]) -> object:
        options: dict[str, Any] = {self.limits["max_tokens" in dropped]: request.output_tokens}
        if request.temperature is not None and "temperature" not in dropped:
            options["temperature"] = request.temperature
        if request.schema is not None and "response_format" not in dropped:
            options["response_format"] = _response_format(request.schema)
        in_words = request.schema is not None and "response_format" in dropped
        return self._client.chat.completions.create(model=model, messages=_messages(request, in_words), **options)

    def read(self, answer: Any) -> Answer:
        choice = answer.choices[0]
        text = choice.message.content or getattr(choice.message, "refusal", None) or ""
        if not isinstance(text, str):
            raise TypeError
        return Answer(text=text, cut_off=choice.finish_reason == "length", usage=_usage(answer.usage))


def _messages(request: Request, in_words: bool) -> Any:
    system = f"{request.system}\n\n{asked_schema(request)}" if in_words else request.system
    return [{"role": "system", "content": system}, *(_message(message) for message in request.messages)]


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}  # older servers know no parts
    urls = (f"data:image/png;base64,{base64.b64encode(image).decode()}" for image in message.images)
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": message.role, "content": [*images, {"type": "text", "text": message.text}]}


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": dict(schema)}}


def _usage(counted: Any) -> Usage | None:
    if not isinstance(getattr(counted, "prompt_tokens", None), int):
        return None
    details = getattr(counted, "prompt_tokens_details", None)
    return Usage(
        tokens_in=counted.prompt_tokens,
        tokens_out=int(counted.completion_tokens or 0),
        cached=int(getattr(details, "cached_tokens", None) or 0),
        written=int(getattr(details, "cache_write_tokens", None) or 0),
    )
