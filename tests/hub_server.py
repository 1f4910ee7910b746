"""A Hugging Face hub on loopback: its addresses, redirects, headers and errors, and a second host for large files.

As the hub answers since 2024: `model.safetensors` is redirected to a store of files elsewhere, with what is known of it
in headers; `config.json` to a cache on the same host; a renamed repository to its new name.
"""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADDRESS = re.compile(r"/timm/([^/]+)/resolve/([^/]+)/([^/]+)")
RENAMED = "resnet_as_it_was.in1k"


@dataclass(kw_only=True)
class Hub:
    """What the server has, how it fails, and what it was asked."""

    models: dict[str, dict[str, bytes]]
    """Name -> file -> content."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Old name -> the name that it has now."""
    breaks: int = 0
    """So many downloads of large files break off in the middle."""
    corrupt: bool = False
    """The last byte of large files is another than was promised."""
    silent: bool = False
    """Nothing is said of versions, as a plain file server does."""
    address: str = ""
    asked: list[str] = field(default_factory=list)
    """Method and path of each request, and where a piece was asked for, which."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a free port for as long as the block lasts."""

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _answer(self) -> None:
        piece = self.headers.get("Range", "")
        self.state.asked.append(f"{self.command} {self.path} {piece}".strip())
        if self.path.startswith("/store/"):
            self._send(self._stored(), large=True)
        elif self.path.startswith("/api/resolve-cache/"):
            name, file = self.path.split("/")[-3], self.path.split("/")[-1]
            self._send(self.state.models[name][file])
        elif match := ADDRESS.fullmatch(self.path):
            self._resolve(*match.groups())
        else:
            self._refuse(404, "")

    def _resolve(self, name: str, revision: str, file: str) -> None:
        if name in self.state.renamed:
            self._redirect(307, f"/timm/{self.state.renamed[name]}/resolve/{revision}/{file}")
        elif name not in self.state.models:
            self._refuse(401, "RepoNotFound")  # the hub does not tell strangers what is private
        elif file not in self.state.models[name]:
            self._refuse(404, "EntryNotFound")
        elif revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif self.state.silent:
            self._send(self.state.models[name][file])
        elif file.endswith(".json"):
            self._redirect(307, f"/api/resolve-cache/models/timm/{name}/{COMMIT}/{file}", {"X-Repo-Commit": COMMIT})
        else:
            content = self.state.models[name][file]
            digest = hashlib.sha256(content).hexdigest()
            elsewhere = self.state.address.replace("127.0.0.1", "localhost")
            facts = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            self._redirect(302, f"{elsewhere}/store/{digest}?signature=abc", facts)

    def _stored(self) -> bytes:
        wanted = self.path.split("/")[2].partition("?")[0]
        files = (content for model in self.state.models.values() for content in model.values())
        content = next(content for content in files if hashlib.sha256(content).hexdigest() == wanted)
        return content[:-1] + bytes([content[-1] ^ 1]) if self.state.corrupt else content

    def _send(self, content: bytes, *, large: bool = False) -> None:
        piece = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(piece[1]) if piece and large else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.end_headers()
        if self.command == "HEAD":
            return
        end = len(content)
        if large and self.state.breaks:
            self.state.breaks -= 1
            end = start + (len(content) - start) // 2
        self.wfile.write(content[start:end])

    def _redirect(self, status: int, location: str, facts: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Location": location, "Content-Length": "0", **(facts or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
