"""JSON is read out of a reply strictly, and what is wrong with it is said."""

from __future__ import annotations

from typing import Literal

import pytest

from orchestrator.agent import UnusableReplyError
from orchestrator.json_reply import ENFORCED, Answer, read_answer, schema_of


class Verdict(Answer):
    """A small answer."""

    why: str
    component: Literal["data", "model"]
    rate: float


GOOD = '{"why": "Slow.", "component": "data", "rate": 0.1}'


@pytest.mark.parametrize(
    "text",
    [
        f"Set {{a,b}} to this: {GOOD}",
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is: {GOOD} Hope that helps {{}}.",
        GOOD[:-1] + ', "x": 1}',
    ],
)
def test_an_object_is_found_where_it_stands(text: str) -> None:
    assert read_answer(text, Verdict) == Verdict(why="Slow.", component="data", rate=0.1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no valid JSON object"),
        ("The answer is data.", "holds no valid JSON object"),
        ('{"why": "Slow.", // really\n "component": "data"}', "no valid JSON object"),
        ('{"why": "Slow.", "component": "da', "no valid JSON object"),
        ("{" * 100_000, "no valid JSON object"),
        ('{"a":' * 100_000, "no valid JSON object"),
        ('{"rate": ' + "9" * 10_000 + "}", "no valid JSON object"),
        ('{"why": "Slow.", "component": "data"}', "'rate' will not do: field required"),
        (GOOD.replace("data", "host"), "'component' will not do"),
        (GOOD.replace("0.1", "NaN"), "no valid JSON object: NaN is no JSON"),
        (GOOD.replace("0.1", "[]"), "'rate' will not do"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(UnusableReplyError, match=says):
        read_answer(text, Verdict)


def test_what_json_escapes_hide_does_not_reach_a_terminal_or_a_file() -> None:
    said = GOOD.replace("Slow.", r"\u001b[2J\ud800Slow.\u202e")

    assert read_answer(said, Verdict).why == "[2JSlow."


def test_the_schema_asks_for_every_field_and_no_other() -> None:
    schema = schema_of(Verdict)

    assert schema["required"] == ["why", "component", "rate"]
    assert schema["additionalProperties"] is False
    assert {key for facts in schema["properties"].values() for key in facts} <= set(ENFORCED)
    assert schema["properties"]["component"] == {"enum": ["data", "model"], "type": "string"}
