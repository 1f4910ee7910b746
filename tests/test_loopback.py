"""A server for this machine alone: who may ask, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import asyncio, sys
from orchestrator.__main__ import in_order
from orchestrator.loopback import serve_app

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while scope["path"] == "/endless":
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"hello"})

def command():
    serve_app(app, int(sys.argv[1]), lambda url: print(url, flush=True))
    print("closed")
    return 0

sys.exit(in_order(command))
"""


@contextmanager
def serving(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", PROGRAM, str(port)]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_it_answers_to_the_names_of_this_machine_and_to_no_other() -> None:
    with serving() as (_, url):
        port = url.rpartition(":")[2]
        answers = {
            name: httpx2.get(url, headers={"Host": name}).status_code
            for name in (f"127.0.0.1:{port}", f"localhost:{port}", "evil.example", f"127.0.0.1.evil.example:{port}", "")
        }

    assert list(answers.values()) == [200, 200, 400, 400, 400]


def test_it_listens_on_the_loopback_address_alone() -> None:
    with serving() as (_, url):
        port = int(url.rpartition(":")[2])
        with socket.socket() as other:
            other.settimeout(5)
            assert other.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_cuts_off_what_would_not_end_and_ends_well(number: signal.Signals) -> None:
    with serving() as (process, url), httpx2.stream("GET", f"{url}/endless") as endless:
        next(endless.iter_bytes())
        process.send_signal(number)
        said, told = process.communicate()

    assert (process.returncode, said) == (0, "closed\n")
    assert "Traceback" not in told


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(port) as (process, _):
            _, told = process.communicate()

    assert process.returncode == 1
    assert told == f"automodel: Port {port} is in use: name another one, or 0 for any that is free.\n"
