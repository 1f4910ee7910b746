"""Messages as Anthropic wants them."""

from __future__ import annotations

import base64

from orchestrator.chat import Message, Usage
from orchestrator.providers.anthropic import AnthropicDialect
from orchestrator.providers.endpoint import Endpoint
from orchestrator.providers.exchange import Exchange
from tests.chat_servers import KEY, TEXT, ChatServer, ask_for, refuse, serve

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
STABLE = {"type": "text", "text": "You are the Training Engineer.", "cache_control": {"type": "ephemeral"}}


def make_chat(server: ChatServer) -> Exchange:
    endpoint = Endpoint(provider="anthropic", key=KEY, base_url=server.url, timeout=30)
    return Exchange("claude-sonnet-5-5", AnthropicDialect(endpoint), endpoint)


def test_a_request_holds_what_was_asked_and_marks_the_stable_part_for_the_cache() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(temperature=0.5))

    assert server.bodies == [
        {
            "model": "claude-sonnet-5-5",
            "max_tokens": 500,
            "system": [STABLE],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Write train.py."}]}],
            "temperature": 0.5,
        }
    ]


def test_a_reply_is_its_text_without_the_thinking_and_counts_the_whole_prompt() -> None:
    with serve() as server:
        reply = make_chat(server).ask(ask_for())

    assert (reply.text, reply.model, reply.cut_off) == (TEXT, "claude-sonnet-5-5", False)
    assert reply.usage == Usage(tokens_in=100, tokens_out=20, cached=60, written=10)


def test_images_go_before_the_text() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(messages=(Message(role="user", text="Look.", images=(b"png",)),)))

    image, text = server.bodies[0]["messages"][0]["content"]
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"png").decode()}
    assert image == {"type": "image", "source": source}
    assert text == {"type": "text", "text": "Look."}


def test_a_schema_is_enforced_by_the_server() -> None:
    with serve() as server:
        make_chat(server).ask(ask_for(schema=SCHEMA))

    assert server.bodies[0]["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert server.bodies[0]["system"] == [STABLE]


def test_a_schema_is_asked_for_in_words_where_the_model_cannot_enforce_it() -> None:
    with serve(refuse(400, "output_config.format: not supported by this model")) as server:
        make_chat(server).ask(ask_for(schema=SCHEMA))

    assert "output_config" not in server.bodies[1]
    assert '"additionalProperties": false' in server.bodies[1]["system"][1]["text"]


def test_a_long_reply_needs_no_stream() -> None:
    """The SDK refuses more than 21,333 tokens without one unless it is given a time-out."""
    with serve() as server:
        make_chat(server).ask(ask_for(output_tokens=64000))

    assert server.bodies[0]["max_tokens"] == 64000
