"""A real server on loopback that speaks both wire formats and plays a script, one act for each request.

After the last act it goes on with a good reply.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from orchestrator.chat import Message, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Act: TypeAlias = Callable[["Handler"], None]

KEY = "a-key-that-is-never-to-be-seen"
TEXT = "def train(): ..."


@dataclass
class ChatServer:
    """What it was sent, and what it will do."""

    script: list[Act]
    then: Callable[[dict[str, Any]], Act]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    """Ends the acts that hang."""


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: the connection closes with the reply, so that no test leaves a socket behind."""

    chat: ChatServer

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if len(sent) < int(self.headers["Content-Length"]):
            return  # whoever asked was killed
        body = json.loads(sent)
        self.chat.bodies.append(body)
        self.chat.headers.append({name.lower(): value for name, value in self.headers.items()})
        act = self.chat.script.pop(0) if self.chat.script else self.chat.then(body)
        act(self)

    def log_message(self, *_args: object) -> None:
        """Say nothing on stderr."""

    def reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.begin(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    @property
    def anthropic(self) -> bool:
        return self.path.endswith("/messages")


@contextmanager
def serve(*script: Act, then: Callable[[dict[str, Any]], Act] | None = None, port: int = 0) -> Iterator[ChatServer]:
    """Play a script, then answer each request as `then` says, or well; `port`: 0 is any that is free."""
    chat = ChatServer(list(script), then or (lambda _: good()))
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"chat": chat}))
    chat.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        chat.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(text: str = TEXT, *, cut_off: bool = False, tokens: float | None = 20) -> Act:
    """Answer as the provider does whose format the request has: 100 tokens in, 60 of them cached, and 20 out.

    `tokens`: other than 20; None where the server does not count.
    """

    def act(handler: Handler) -> None:
        reply = _message(text, cut_off, tokens) if handler.anthropic else _completion(text, cut_off, tokens)
        counts: dict[str, Any] = {"usage": {}} if tokens is None else {}
        handler.reply(200, json.dumps(reply | counts).encode(), {})

    return act


def body(raw: bytes, *, kind: str = "application/json") -> Act:
    """Answer 200 with these bytes."""
    return lambda handler: handler.reply(200, raw, {"Content-Type": kind})


def refuse(status: int, message: str = "", headers: Mapping[str, str] | None = None, **more: str) -> Act:
    """Answer with an error, in either provider's form."""

    def act(handler: Handler) -> None:
        error = {"message": message, **({"type": "error", **more} if handler.anthropic else more)}
        handler.reply(status, json.dumps({"type": "error", "error": error}).encode(), headers or {})

    return act


def hang(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.chat.closing.wait(30)


def reset(handler: Handler) -> None:
    """Cut the connection with RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.rfile.close()


def drip(handler: Handler) -> None:
    """Keep the connection alive with blanks, as gateways do, and never come to the point."""
    handler.begin(200, {})
    for _ in range(3000):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return
        if handler.chat.closing.wait(0.01):
            return


def slow(handler: Handler) -> None:
    """Send a good reply in twenty pieces, 10 ms apart."""
    raw = json.dumps(_message(TEXT, False, 20) if handler.anthropic else _completion(TEXT, False, 20)).encode()
    handler.begin(200, {"Content-Length": str(len(raw))})
    step = len(raw) // 20
    for start in range(0, len(raw), step):
        handler.wfile.write(raw[start : start + step])
        time.sleep(0.01)


def short(handler: Handler) -> None:
    """Promise more than is sent, and close."""
    handler.begin(200, {"Content-Length": "5000"})
    handler.wfile.write(b'{"id":')


def ask_for(text: str = "Write train.py.", **more: Any) -> Request:
    """A small request."""
    wanted: dict[str, Any] = {
        "agent": "training_engineer",
        "iteration": 3,
        "system": "You are the Training Engineer.",
        "messages": (Message(role="user", text=text),),
        "output_tokens": 500,
    }
    return Request(**{**wanted, **more})


def _completion(text: str, cut_off: bool, tokens: float | None) -> dict[str, Any]:
    usage = {"prompt_tokens": 100, "completion_tokens": tokens, "total_tokens": 100}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "served",
        "choices": [
            {
                "index": 0,
                "finish_reason": "length" if cut_off else "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 60}},
    }


def _message(text: str, cut_off: bool, tokens: float | None) -> dict[str, Any]:
    usage = {
        "input_tokens": 30,
        "output_tokens": tokens,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 10,
    }
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""}, {"type": "text", "text": text}],
        "stop_reason": "max_tokens" if cut_off else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
