"""Asked to end, a program closes everything; Ctrl-C once more ends it at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import sys, threading
from contextlib import contextmanager
from orchestrator.__main__ import in_order

@contextmanager
def open_sandbox():
    try:
        yield
    finally:
        print("closing", flush=True)
        sys.stdin.readline()
        print("closed", flush=True)

def command():
    with open_sandbox():
        print("working", flush=True)
        threading.Event().wait()

sys.exit(in_order(command))
"""
"""It closes when it is told to."""


@contextmanager
def working() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert _said(process) == "working"
        yield process


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_ctrl_c_once_closes_everything_and_says_how_to_end_at_once() -> None:
    with working() as process:
        process.send_signal(signal.SIGINT)
        assert _said(process) == "closing"
        said, told = process.communicate("now\n")

    assert (process.returncode, said.strip()) == (130, "closed")
    assert "Ending in order; Ctrl-C again ends at once." in told
    assert "Interrupted; what was finished is kept" in told


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_after_that_ends_at_once(first: signal.Signals) -> None:
    with working() as process:
        process.send_signal(first)
        assert _said(process) == "closing"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130  # nobody told it to close
        said, told = process.communicate()

    assert said == ""
    assert "Ended at once: what still ran is removed at the next start" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_a_session_may_ask_twice_and_it_is_still_closed(again: signal.Signals) -> None:
    with working() as process:
        process.send_signal(again)
        assert _said(process) == "closing"
        process.send_signal(again)
        said, _ = process.communicate("now\n")

    assert (process.returncode, said.strip()) == (130, "closed")
