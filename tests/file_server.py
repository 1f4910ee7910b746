"""A real server on loopback that hands out files and plays a script, one act for each request."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Act: TypeAlias = Callable[["Handler"], None]


@dataclass
class FileServer:
    """What it hands out and will do, and what it was asked."""

    files: dict[str, bytes]
    """Path -> content."""
    script: list[Act]
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each request."""
    closing: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Gives files as servers do, with ETag, Range and If-Range; the script may say otherwise."""

    protocol_version = "HTTP/1.1"
    server_of: FileServer

    def do_GET(self) -> None:
        self.close_connection = True  # so that no test leaves a socket behind
        self.server_of.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        act = self.server_of.script.pop(0) if self.server_of.script else good
        act(self)

    def log_message(self, *_args: object) -> None:
        """Say nothing on stderr."""

    @property
    def content(self) -> bytes:
        return self.server_of.files[self.path]

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def wanted_from(self) -> int:
        """Where the piece begins that is asked for; 0 where all is."""
        if self.headers.get("If-Range", self.tag) != self.tag or "Range" not in self.headers:
            return 0
        return int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))

    def head(self, start: int, tag: str) -> None:
        left, whole = len(self.content) - start, len(self.content)
        headers = {"Content-Length": str(left), **({"ETag": tag} if tag else {})}
        if start:
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        self.begin(206 if start else 200, headers)


@contextmanager
def serve(files: Mapping[str, bytes], *script: Act) -> Iterator[FileServer]:
    """Play a script, then hand out the files."""
    state = FileServer({f"/{name}": content for name, content in files.items()}, list(script))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"server_of": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(handler: Handler) -> None:
    """Give the file, or the piece of it that is asked for."""
    if handler.path not in handler.server_of.files:
        refuse(404)(handler)
        return
    start = handler.wanted_from()
    if start >= len(handler.content):
        handler.begin(416, {"Content-Range": f"bytes */{len(handler.content)}", "Content-Length": "0"})
        return
    handler.head(start, handler.tag)
    handler.wfile.write(handler.content[start:])


def drop_after(count: int, *, tag: bool = True) -> Act:
    """Give so many bytes of what is asked for, and cut the connection."""

    def act(handler: Handler) -> None:
        start = handler.wanted_from()
        handler.head(start, handler.tag if tag else "")
        handler.wfile.write(handler.content[start : start + count])
        handler.wfile.flush()

    return act


def reset(handler: Handler) -> None:
    """Cut the connection with RST, before a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.rfile.close()


def all_of_it(handler: Handler) -> None:
    """Ignore Range, and name no version."""
    handler.begin(200, {"Content-Length": str(len(handler.content))})
    handler.wfile.write(handler.content)


def endless_end(handler: Handler) -> None:
    """End too early without anyone being able to tell: no length is said."""
    handler.begin(200, {})
    handler.wfile.write(handler.content[: len(handler.content) // 2])


def another(content: bytes, **headers: str) -> Act:
    """Give this instead."""

    def act(handler: Handler) -> None:
        handler.begin(200, {"Content-Length": str(len(content)), **headers})
        handler.wfile.write(content)

    return act


def refuse(status: int, **headers: str) -> Act:
    """Answer with an error; `Retry_After` is a header's name."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.begin(status, {"Content-Length": "0", **named})


def redirect(address: str) -> Act:
    return lambda handler: handler.begin(302, {"Location": address, "Content-Length": "0"})


def promise(size: int) -> Act:
    """Say that the file has this size, and give a few bytes of it."""

    def act(handler: Handler) -> None:
        handler.begin(200, {"Content-Length": str(size)})
        handler.wfile.write(b"few")

    return act


def for_login(user: str, password: str, then: Act, *, status: int = 401) -> Act:
    """Act only for who has this login."""
    wanted = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return lambda handler: (then if handler.headers.get("Authorization") == wanted else refuse(status))(handler)
