"""The command line from outside: how the program ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import NoSandboxError
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO


@contextmanager
def reading(run: Path, *before: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """`automodel predict` while it reads a file of a run that never comes to its end: a pipe, which is given too."""
    run.mkdir()
    os.mkfifo(run / "run.json")
    command = [*before, sys.executable, "-m", "orchestrator", "predict", str(run), "image.png"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE) as process,
        _opened(run / "run.json", process) as pipe,
    ):
        yield process, pipe


def _opened(pipe: Path, process: subprocess.Popen[bytes]) -> IO[bytes]:
    """The pipe, as soon as the program reads it."""
    while process.poll() is None:
        with suppress(OSError):  # nobody reads yet
            return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb")
        time.sleep(0.01)
    raise AssertionError(f"it ended with {process.returncode} before it read")


def test_no_sandbox_and_one_that_fails_in_the_middle_of_a_run_have_the_same_exit_status() -> None:
    assert (NoSandboxError.status, SandboxError.status) == (4, 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_and_a_closed_terminal_are_an_interrupt(tmp_path: Path, number: signal.Signals) -> None:
    with reading(tmp_path / "run") as (process, pipe):
        process.send_signal(number)
        pipe.close()  # a signal that came just before Python began to read is seen when it has read
        assert process.wait() == 130


def test_a_closed_terminal_does_not_end_what_nohup_started(tmp_path: Path) -> None:
    with reading(tmp_path / "run", "nohup") as (process, pipe):
        process.send_signal(signal.SIGHUP)
        pipe.write(b"no JSON")
        pipe.close()
        assert process.wait() == 1
