"""A JSON object out of a reply: alone, in a fence or after a sentence; checked against a small model of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from harness.report import printable
from orchestrator.agent import UnusableReplyError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(BaseModel):
    """What an agent answers under a schema: each field is asked for, what is more is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*")
    @classmethod
    def _printable(cls, value: Any) -> Any:
        """What JSON escapes hide from the eye is dropped here as it is from plain text."""
        return printable(value) if isinstance(value, str) else value


A = TypeVar("A", bound=Answer)


def schema_of(answer: type[Answer]) -> dict[str, Any]:
    """The JSON schema of an answer, in the subset that every provider enforces."""
    properties = answer.model_json_schema()["properties"]
    return object_schema(
        {name: {key: said for key, said in facts.items() if key != "title"} for name, facts in properties.items()}
    )


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """All properties required, none more."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def read_answer(text: str, answer: type[A]) -> A:
    """Read a reply.

    Raises:
        UnusableReplyError: it holds no such object.
    """
    try:
        return answer.model_validate(read_object(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnusableReplyError(f"In your JSON, {place!r} will not do: {first['msg'].lower()}.") from None


def read_object(text: str) -> dict[str, Any]:
    """The first JSON object in a text.

    Raises:
        UnusableReplyError: there is none.
    """
    start = text.find("{")
    if start < 0:
        raise UnusableReplyError("Your reply holds no JSON object. Answer with one JSON object and nothing else.")
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise UnusableReplyError(f"Your reply is no valid JSON ({error}). No comments, no trailing commas.") from None
    assert isinstance(value, dict)  # it began with a brace
    return value
