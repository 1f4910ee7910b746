"""One phase in a forked child: it is heard, its clock is kept, and its whole process group ends with it.

The parent has imported torch and run no tensor operation: OpenMP's threads do not survive a fork, the child would hang.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from harness.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE_BYTES = 1 << 20
"""A longer line is no message of ours."""
FAILED = 70
"""Exit status (EX_SOFTWARE) of a child that failed in a way that it could not tell."""


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    status: int
    """Its exit status, or minus the signal that killed it."""
    late: bool
    """Killed here, at its deadline."""

    def __str__(self) -> str:
        if self.status >= 0:
            return f"the process left with exit status {self.status}"
        return f"the process was killed by {signal.Signals(-self.status).name}"


def run_child(
    work: Callable[[Channel], None], hear: Callable[[bytes], None], deadline: Callable[[int], float]
) -> Ending:
    """Run work in a child and hear each line it says.

    It is killed at the deadline (monotonic), which may move meanwhile: it is asked for with the child's process id.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _live(work, writer)
    os.close(writer)
    try:
        late = _listen(child, reader, hear, lambda: deadline(child))
    finally:
        _kill_group(child)
        os.close(reader)
    _, status = os.waitpid(child, 0)
    return Ending(os.waitstatus_to_exitcode(status), late)


def _live(work: Callable[[Channel], None], writer: int) -> None:
    """Be the child. Nothing of the parent's is unwound or flushed a second time."""
    status = FAILED
    try:
        os.setsid()
        work(Channel(writer))
        status = 0
    except BaseException:  # noqa: BLE001 - what nobody told must at least be printed
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _listen(child: int, reader: int, hear: Callable[[bytes], None], deadline: Callable[[], float]) -> bool:
    """Hear the child until it ends; whether its deadline came first. Who else holds the pipe does not count."""
    os.set_blocking(reader, False)
    ended = os.pidfd_open(child)
    lines = _Lines(hear)
    try:
        while True:
            left = deadline() - monotonic()
            if left <= 0:
                return True
            ready, _, _ = select.select([reader, ended], [], [], left)
            more = reader not in ready or lines.read(reader)
            if ended in ready:
                while lines.read(reader):
                    pass
                return False
            if not more:
                select.select([ended], [], [], max(0.0, deadline() - monotonic()))
    finally:
        os.close(ended)


class _Lines:
    """Cuts what is read into lines."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self._hear = hear
        self._rest = b""

    def read(self, reader: int) -> bool:
        """Read what is there; False at the end, or where nothing is."""
        try:
            data = os.read(reader, 1 << 16)
        except BlockingIOError:
            return False
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._hear(line)
        self._rest = self._rest[-MESSAGE_BYTES:]
        return bool(data)


def _kill_group(child: int) -> None:
    """Kill the child, its loader processes and all else that it started and that did not leave its group."""
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
