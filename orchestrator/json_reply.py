"""A JSON object out of a reply: alone, in a fence or after a sentence; checked against a small model of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from harness.report import printable
from orchestrator.agent import UnusableReplyError

if TYPE_CHECKING:
    from collections.abc import Mapping


ENFORCED = ("type", "enum", "const", "anyOf", "items")
"""Keywords of a property that every provider takes; of any other, some refuse the whole schema."""
BRACES = 20
"""Places in a reply where an object is looked for: there may be a brace or two in the words before it."""


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
        {name: {key: said for key, said in facts.items() if key in ENFORCED} for name, facts in properties.items()}
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
    problem: Exception | str = "there is no brace"
    decoder = json.JSONDecoder(parse_constant=_refuse)
    starts = [match.start() for match in re.finditer("{", text)][:BRACES]
    for start in starts:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            problem = problem if isinstance(problem, Exception) else error
        else:
            assert isinstance(value, dict)  # it began with a brace
            return value
    raise UnusableReplyError(f"Your reply holds no valid JSON object: {problem}. No comments, no trailing commas.")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
