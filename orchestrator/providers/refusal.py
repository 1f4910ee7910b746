"""What it means when a server refuses: wait, shorten, ask without a parameter, or give up, in one sentence each.

Servers agree on status codes but not on more; what they say is matched here and nowhere else. The wordings are those of
OpenAI, Anthropic, llama.cpp, vLLM and Ollama.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import printable
from orchestrator.chat import ContextTooLongError, TransientError
from orchestrator.errors import ChatError
from orchestrator.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httpx2 import Response

    from orchestrator.providers.endpoint import Endpoint

LONGEST_QUOTE = 300
"""Characters of a server's message in ours."""
TRANSIENT = {408, 409, 425, 429, *range(500, 600)} - {501}
TOO_LONG = re.compile(
    r"context.(length|size|window|limit)|maximum context|(prompt|input) is too long|request too large"
    r"|request_too_large|reduce the length"
)
NO_CREDIT = re.compile(
    r"insufficient_quota|billing_error|billing_hard_limit|spend_limit_reached|credit balance"
    r"|insufficient (balance|credit|funds)"
)
OUTPUT_TOO_LONG = re.compile(
    r"max_(completion_)?tokens'?.{0,40}too (large|high)|maximum allowed number of output"
    r"|supports at most \d+ completion"
)
BLIND = re.compile(r"image.{0,40}not support|not support.{0,40}image|no vision|not a (vision|multimodal) model")
UNSUPPORTED = re.compile(
    r"unsupported|not support|n't support|unknown|unrecogni[sz]ed|unexpected|deprecated|not permitted|not allowed"
    r"|invalid schema|conversion failed"
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A server's answer with an error status."""

    status: int
    text: str
    """The parameter, code, type and message, in lower case: to be searched."""
    quote: str
    """The message on one line: to be shown."""
    after: float | None
    """Seconds to wait, where the server says so."""


def read_refusal(response: Response, endpoint: Endpoint) -> Refusal:
    """Read an error response, whatever its form."""
    facts = _facts(response.content)
    message = str(facts.get("message") or response.reason_phrase or f"status {response.status_code}")
    quote = printable(endpoint.redact(" ".join(message.split())))[:LONGEST_QUOTE].rstrip(".")
    parts = [facts.get("param"), facts.get("code"), facts.get("type"), facts.get("details"), message]
    text = " ".join(str(part) for part in parts if part).lower()
    return Refusal(status=response.status_code, text=text, quote=quote, after=retry_after(response.headers))


def _facts(content: bytes) -> dict[str, Any]:
    """{"error": {...}} as OpenAI and Anthropic have it, {"error": "..."} as Ollama, {...} as older vLLM, or nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    error = body.get("error", body) if isinstance(body, dict) else body
    return error if isinstance(error, dict) else {"message": error}


def unsupported(refusal: Refusal, parameters: Mapping[str, str]) -> str | None:
    """Name the parameter that the model does not take; `parameters`: name -> what a server may call it, a pattern."""
    if refusal.status not in {400, 422, 501} or TOO_LONG.search(refusal.text) or not UNSUPPORTED.search(refusal.text):
        return None
    return next((name for name, words in parameters.items() if re.search(words, refusal.text)), None)


def output_too_long(refusal: Refusal) -> bool:
    """Whether it is the reply that may not be so long, whatever the prompt."""
    return refusal.status in {400, 422} and bool(OUTPUT_TOO_LONG.search(refusal.text))


def meaning(refusal: Refusal, model: str, endpoint: Endpoint) -> Exception:
    """The error that a refusal amounts to."""
    if BLIND.search(refusal.text):
        return ChatError(f"{model} at {endpoint.host} sees no images ({refusal.quote}): unset LLM_VISION.")
    if refusal.status == 413 or TOO_LONG.search(refusal.text):
        return ContextTooLongError(f"The request is longer than {model} can read: {refusal.quote}.")
    if refusal.status == 402 or NO_CREDIT.search(refusal.text):
        return ChatError(f"No credit is left for {endpoint.key_variable} at {endpoint.host}: {refusal.quote}.")
    if refusal.status in TRANSIENT:
        return TransientError(f"{endpoint.host} is busy ({refusal.status}): {refusal.quote}.", after=refusal.after)
    return ChatError(_final(refusal, model, endpoint))


def _final(refusal: Refusal, model: str, endpoint: Endpoint) -> str:
    match refusal.status:
        case 401:
            return f"{endpoint.host} does not accept the key in {endpoint.key_variable}: check it."
        case 403:
            return f"The key in {endpoint.key_variable} may not use {model} at {endpoint.host}: {refusal.quote}."
        case 404:
            check = f"check LLM_MODEL, and {endpoint.url_variable} if you set it"
            return f"{endpoint.host} does not know {model} ({refusal.quote}): {check}."
        case _:
            return f"{endpoint.host} refused the request to {model} ({refusal.status}): {refusal.quote}."
