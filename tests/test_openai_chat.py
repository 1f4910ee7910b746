"""Chat completions as OpenAI and the servers that imitate it want them."""

from __future__ import annotations

import base64

import pytest

from orchestrator.chat import Message, Usage
from orchestrator.providers.endpoint import Endpoint
from orchestrator.providers.exchange import Exchange
from orchestrator.providers.openai import BASE_URL, OpenAIDialect
from tests.chat_servers import KEY, TEXT, ChatServer, ask_for, body, refuse, serve

SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}},
    "required": ["why"],
    "additionalProperties": False,
}


def make_chat(server: ChatServer, key: str = KEY) -> Exchange:
    endpoint = Endpoint(provider="openai", key=key, base_url=f"{server.url}/v1", timeout=30)
    return Exchange("gpt-6-sol", OpenAIDialect(endpoint), endpoint)


def test_a_request_holds_what_was_asked_the_stable_part_first() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(temperature=0.5))

    assert server.bodies == [
        {
            "model": "gpt-6-sol",
            "messages": [
                {"role": "system", "content": "You are the Training Engineer."},
                {"role": "user", "content": "Write train.py."},
            ],
            "max_tokens": 500,
            "temperature": 0.5,
        }
    ]


def test_a_reply_counts_its_tokens() -> None:
    with serve() as server:
        reply = make_chat(server).ask(ask_for())

    assert (reply.text, reply.model, reply.cut_off) == (TEXT, "gpt-6-sol", False)
    assert reply.usage == Usage(tokens_in=100, tokens_out=20, cached=60)


@pytest.mark.parametrize("usage", [b"", b', "usage": {}', b', "usage": null'])
def test_tokens_are_estimated_where_the_server_does_not_count(usage: bytes) -> None:
    choice = b'{"index": 0, "finish_reason": null, "message": {"role": "assistant", "content": "123456789"}}'
    with serve(body(b'{"choices": [' + choice + b"]" + usage + b"}")) as server:
        reply = make_chat(server).ask(ask_for())

    assert reply.text == "123456789"
    assert reply.usage == Usage(tokens_in=15, tokens_out=3, counted=False)


def test_a_refusal_of_the_model_is_its_text() -> None:
    choice = b'{"finish_reason": "stop", "message": {"role": "assistant", "content": null, "refusal": "I cannot."}}'
    with serve(body(b'{"choices": [' + choice + b"]}")) as server:
        assert make_chat(server).ask(ask_for()).text == "I cannot."


def test_images_go_before_the_text() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(messages=(Message(role="user", text="Look.", images=(b"png",)),)))

    image, text = server.bodies[0]["messages"][1]["content"]
    assert image["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(b'png').decode()}"
    assert text == {"type": "text", "text": "Look."}


def test_a_schema_is_enforced_by_the_server() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(schema=SCHEMA))

    assert server.bodies[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
    }


def test_a_schema_is_asked_for_in_words_where_the_server_cannot_enforce_it() -> None:
    with serve(refuse(400, "response_format is not supported", param="response_format")) as server:
        make_chat(server).ask(ask_for(schema=SCHEMA))

    assert "response_format" not in server.bodies[1]
    assert '"additionalProperties": false' in server.bodies[1]["messages"][0]["content"]


def test_an_output_limit_goes_by_its_other_name_where_the_first_is_not_taken() -> None:
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    with serve(refuse(400, message, param="max_tokens", code="unsupported_parameter")) as server:
        chat = make_chat(server)
        chat.ask(ask_for())
        chat.ask(ask_for())

    limits = [(sent.get("max_tokens"), sent.get("max_completion_tokens")) for sent in server.bodies]
    assert limits == [(500, None), (None, 500), (None, 500)]


def test_two_parameters_can_be_left_out_one_after_the_other() -> None:
    refusals = [refuse(400, f"Unsupported parameter: {name}") for name in ("temperature", "max_tokens")]
    with serve(*refusals) as server:
        reply = make_chat(server).ask(ask_for(temperature=0.0))

    assert reply.text == TEXT
    assert set(server.bodies[2]) == {"model", "messages", "max_completion_tokens"}


def test_a_server_without_keys_gets_a_word_in_its_place() -> None:
    with serve() as server:
        make_chat(server, key="").ask(ask_for())

    assert server.headers[0]["authorization"] == "Bearer none"


def test_openai_itself_is_asked_by_the_name_that_its_reasoning_models_take() -> None:
    endpoint = Endpoint(provider="openai", key=KEY, base_url=BASE_URL, timeout=30)

    assert OpenAIDialect(endpoint).limits[0] == "max_completion_tokens"
