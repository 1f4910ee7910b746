"""What can go wrong on the way to a language model and back: both providers, the real SDKs, a server on loopback."""

from __future__ import annotations

import logging
import math
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.chat import ContextTooLongError, Message
from orchestrator.errors import ChatError
from orchestrator.ledger import Cap, Ledger
from orchestrator.prices import PRICES
from orchestrator.providers import AGENTS, ChatSettings, Provider, open_chat
from tests.chat_servers import (
    KEY,
    TEXT,
    ChatServer,
    ask_for,
    body,
    drip,
    good,
    hang,
    refuse,
    reset,
    serve,
    short,
    slow,
)

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.chat import ChatModel
    from tests.chat_servers import Act

pytestmark = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@dataclass
class Bench:
    """Opens chat models on a server; remembers pauses instead of waiting, and what is said."""

    provider: Provider
    run: Path
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def open(self, server: ChatServer, *, seconds: float = 120, **more: Any) -> ChatModel:
        settings = ChatSettings(
            provider=self.provider,
            key=KEY,
            base_url=server.url if self.provider == "anthropic" else f"{server.url}/v1",
            model="some-model",
            timeout_seconds=seconds,
            patience_minutes=2,
            **more,
        )
        ledger = Ledger(self.run, PRICES, Cap())
        return open_chat(settings, ledger, say=self.said.append, sleep=self.pauses.append)["analyst"]


@pytest.fixture
def bench(provider: Provider, tmp_path: Path) -> Bench:
    return Bench(provider, tmp_path)


@pytest.mark.parametrize(
    "act",
    [
        refuse(429, "Rate limit reached."),
        refuse(500, "The server had an error."),
        refuse(502),
        refuse(503, "Loading model", type="unavailable_error"),
        refuse(529, "Overloaded", type="overloaded_error"),
        refuse(408, "Timeout"),
        body(b'{"id": "1", "choices": ['),
        body(b'{"id": "1", "choi\xff'),
        body(b"<html>Sign in</html>", kind="text/html"),
        body(b"[1, 2]"),
        body(b'{"answer": 42}'),
        body(b'{"error": {"message": "upstream failed"}, "choices": null, "content": null}'),
        reset,
        short,
    ],
)
def test_what_passes_is_tried_again_after_a_pause(bench: Bench, act: Act) -> None:
    with serve(act, act, good()) as server:
        reply = bench.open(server).ask(ask_for())

    assert reply.text == TEXT
    assert len(server.bodies) == 3
    assert len(bench.pauses) == len(bench.said) == 2
    assert 1 <= bench.pauses[0] <= 4
    assert 2 <= bench.pauses[1] <= 5


@pytest.mark.parametrize("act", [hang, drip])
def test_a_reply_that_does_not_come_or_does_not_end_is_asked_for_again(bench: Bench, act: Act) -> None:
    with serve(act, good()) as server:
        reply = bench.open(server, seconds=1).ask(ask_for())

    assert reply.text == TEXT
    assert "did not answer within 1 s" in bench.said[0]


def test_a_slow_reply_is_waited_for(bench: Bench) -> None:
    with serve(slow) as server:
        reply = bench.open(server).ask(ask_for())

    assert reply.text == TEXT
    assert bench.pauses == []


def test_a_server_that_is_not_there_is_named_when_patience_ends(bench: Bench) -> None:
    with serve() as server:
        chat = bench.open(server)

    with pytest.raises(ChatError, match=r"No connection to 127.0.0.1:\d+: .*refused.*Gave up after \d+ tries"):
        chat.ask(ask_for())
    assert 60 < sum(bench.pauses) <= 120


def test_a_pause_that_the_server_asks_for_is_kept(bench: Bench) -> None:
    with serve(refuse(429, "Slow down.", {"Retry-After": "17"}), good()) as server:
        bench.open(server).ask(ask_for())

    assert bench.pauses == [17.0]
    assert bench.said == [f"{server.url[7:]} is busy (429): Slow down. Trying again in 17 s."]


def test_a_pause_beyond_patience_is_not_waited_for(bench: Bench) -> None:
    with (
        serve(refuse(429, "Slow down.", {"Retry-After": "86400"})) as server,
        pytest.raises(ChatError, match="Gave up after 1 try"),
    ):
        bench.open(server).ask(ask_for())

    assert bench.pauses == []


def test_another_kind_of_server_is_found_out_at_the_third_reply(bench: Bench) -> None:
    page = body(b"<html>It works!</html>", kind="text/html")
    with (
        serve(page, page, page, good()) as server,
        pytest.raises(ChatError, match=f"no chat reply: check {bench.provider.upper()}_BASE_URL"),
    ):
        bench.open(server).ask(ask_for())

    assert len(server.bodies) == 3


def test_counts_that_are_no_numbers_are_no_chat_reply(bench: Bench) -> None:
    odd = good(tokens=math.inf)
    with serve(odd, odd, odd) as server, pytest.raises(ChatError, match="no chat reply"):
        bench.open(server).ask(ask_for())


def test_a_reply_that_is_no_unicode_is_counted_where_the_server_does_not(bench: Bench) -> None:
    with serve(good("\ud800 is half a letter", tokens=None)) as server:
        reply = bench.open(server).ask(ask_for())

    assert reply.usage.tokens_out > 0
    assert not reply.usage.counted


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (refuse(401, f"Incorrect API key provided: {KEY}"), "does not accept the key in [A-Z]+_API_KEY: check it"),
        (refuse(403, "Not for you."), r"may not use some-model at 127.0.0.1:\d+: Not for you"),
        (refuse(404, "No such model."), r"does not know some-model \(No such model\): check LLM_MODEL"),
        (refuse(402, "Pay first."), "No credit is left for [A-Z]+_API_KEY"),
        (refuse(429, "You exceeded your current quota.", code="insufficient_quota"), "No credit is left"),
        (refuse(400, "Your credit balance is too low."), "No credit is left"),
        (refuse(400, "max_tokens: 500 is more than 100."), r"refused the request .* \(400\): max_tokens: 500 is more"),
    ],
)
def test_what_never_passes_ends_at_once_with_a_sentence(bench: Bench, act: Act, sentence: str) -> None:
    with serve(act, good()) as server, pytest.raises(ChatError, match=sentence):
        bench.open(server).ask(ask_for())

    assert len(server.bodies) == 1
    assert bench.pauses == []


@pytest.mark.parametrize(
    "act",
    [
        refuse(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded"),
        refuse(400, "prompt is too long: 210000 tokens > 200000 maximum"),
        refuse(400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
        refuse(400, "the request exceeds the available context size", type="exceed_context_size_error"),
        refuse(413, "Request exceeds the maximum size"),
        refuse(429, "Request too large on tokens per min (TPM): Limit 30000, Requested 40000."),
    ],
)
def test_too_long_a_context_can_be_told_from_other_failures(bench: Bench, act: Act) -> None:
    with serve(act) as server, pytest.raises(ContextTooLongError):
        bench.open(server).ask(ask_for())

    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) is supported.",
        "`temperature` is deprecated for this model.",
        "temperature: Extra inputs are not permitted",
    ],
)
def test_a_temperature_that_is_not_taken_is_left_out_from_then_on(bench: Bench, message: str) -> None:
    with serve(refuse(400, message)) as server:
        chat = bench.open(server)
        chat.ask(ask_for(temperature=0.2))
        chat.ask(ask_for(temperature=0.2))

    assert [body.get("temperature") for body in server.bodies] == [0.2, None, None]
    assert bench.pauses == []


@pytest.mark.parametrize(
    "message",
    [
        "'max_tokens' or 'max_completion_tokens' is too large: 500. This model's maximum context length is 256 tokens.",
        "max_tokens is too large: 500. This model supports at most 256 completion tokens.",
        "max_tokens: 500 > 256, which is the maximum allowed number of output tokens for some-model",
    ],
)
def test_a_reply_that_may_not_be_so_long_is_asked_for_shorter_from_then_on(bench: Bench, message: str) -> None:
    with serve(refuse(400, message)) as server:
        chat = bench.open(server)
        chat.ask(ask_for())
        chat.ask(ask_for())

    limits = [body.get("max_tokens") or body.get("max_completion_tokens") for body in server.bodies]
    assert limits == [500, 250, 250]


@pytest.mark.parametrize(
    "act",
    [
        refuse(500, "image input is not supported - hint: you may need to provide the mmproj"),
        refuse(400, "This model does not support image input."),
    ],
)
def test_a_model_that_sees_no_images_says_what_to_unset(bench: Bench, act: Act) -> None:
    with serve(act) as server, pytest.raises(ChatError, match=r"sees no images .*: unset LLM_VISION"):
        bench.open(server).ask(ask_for())

    assert bench.pauses == []


def test_an_error_that_no_parser_takes_is_an_error_all_the_same(bench: Bench) -> None:
    def act(handler: Any) -> None:
        handler.reply(400, b"[" * 200_000, {})

    with serve(act) as server, pytest.raises(ChatError, match="refused the request"):
        bench.open(server).ask(ask_for())


def test_a_cut_off_reply_says_so(bench: Bench) -> None:
    with serve(good("def tra", cut_off=True), good()) as server:
        chat = bench.open(server)

        assert chat.ask(ask_for()).cut_off
        assert not chat.ask(ask_for()).cut_off


def test_a_reply_that_breaks_the_schema_is_passed_on(bench: Bench) -> None:
    with serve(good('{"colour": 3}')) as server:
        reply = bench.open(server).ask(ask_for(schema={"type": "object"}))

    assert reply.text == '{"colour": 3}'


def test_an_empty_reply_is_a_reply(bench: Bench) -> None:
    with serve(good("")) as server:
        assert not bench.open(server).ask(ask_for()).text


def test_a_conversation_keeps_its_order(bench: Bench) -> None:
    turns = tuple(Message(role=role, text=text) for role, text in (("user", "a"), ("assistant", "b"), ("user", "c")))  # type: ignore[arg-type]
    with serve() as server:
        bench.open(server).ask(ask_for(messages=turns))

    sent = [message for message in server.bodies[0]["messages"] if message["role"] != "system"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]


def test_each_agent_has_the_model_that_is_named_for_it(bench: Bench) -> None:
    with serve() as server:
        bench.open(server, models={"analyst": "wise", "summarizer": ""}).ask(ask_for())

    assert server.bodies[0]["model"] == "wise"


def test_the_key_is_sent_and_seen_nowhere_else(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    script = [good(), refuse(500, f"Bad gateway for {KEY}"), reset, refuse(401, f"Incorrect API key provided: {KEY}")]
    with serve(*script) as server:
        chat = bench.open(server)
        chat.ask(ask_for())
        with pytest.raises(ChatError) as caught:
            chat.ask(ask_for())

    files = [path.read_text() for path in bench.run.rglob("*") if path.is_file()]
    seen = [
        *files,
        *bench.said,
        caplog.text,
        *capfd.readouterr(),
        repr(chat),
        *traceback.format_exception(caught.value),
    ]
    assert len(files) == 1
    assert all(KEY in headers["authorization"] for headers in server.headers)
    assert not [text for text in seen if KEY in text]
    assert KEY not in repr(ChatSettings(provider=bench.provider, key=KEY))
    assert len(AGENTS) == 6
