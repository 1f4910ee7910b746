"""A container engine whose limits are broken on purpose: a proxy before the real one that alters what is created."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import docker
from docker.constants import DEFAULT_UNIX_SOCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

ENGINE = DEFAULT_UNIX_SOCKET.removeprefix("http+unix://")


@contextmanager
def broken_engine(folder: Path, changes: dict[str, Any]) -> Iterator[DockerClient]:
    """A client of an engine that puts `changes` over the body of each request to create a container."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "engine.sock"))
        server.listen()
        threading.Thread(target=_serve, args=(server, changes), daemon=True).start()
        with closing(docker.DockerClient(base_url=f"unix://{folder}/engine.sock", timeout=60)) as client:
            yield client


def _serve(server: socket.socket, changes: dict[str, Any]) -> None:
    with suppress(OSError):  # it is closed
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_pass_on, args=(connection, changes), daemon=True).start()


def _pass_on(client: socket.socket, changes: dict[str, Any]) -> None:
    with client, socket.socket(socket.AF_UNIX) as engine, suppress(OSError):
        engine.connect(ENGINE)
        engine.sendall(_request(client, changes))
        answering = threading.Thread(target=_splice, args=(engine, client), daemon=True)
        answering.start()
        _splice(client, engine)
        answering.join()


def _request(client: socket.socket, changes: dict[str, Any]) -> bytes:
    """One request, its body altered; the connection is for this one alone, unless it is taken over."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    if b"Upgrade" not in head:
        head = head.replace(b"Connection: keep-alive", b"Connection: close")
    if b"/containers/create" not in head.split(b"\r\n")[0]:
        return head + b"\r\n\r\n" + body
    [length] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(length.split(b":")[1]):
        body += client.recv(1 << 16)
    asked = json.loads(body)
    asked["HostConfig"] |= changes.get("HostConfig", {})
    altered = json.dumps(asked | {name: value for name, value in changes.items() if name != "HostConfig"}).encode()
    return head.replace(length, b"Content-Length: %d" % len(altered)) + b"\r\n\r\n" + altered


def _splice(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
