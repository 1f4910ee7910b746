"""Processes for killing: one that has imported all forks a child for each run, so that a run costs no start.

A child is killed from outside, by the clock, or kills itself before the n-th change of a file or connection, of which
it may have left a file that is opened and not written.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.__main__ import in_order
from tests.played_runs import lay_out, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    from orchestrator.settings import Settings

CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "socket.connect"}
"""What a run does that lasts, as Python's audit events call it; and `open`, to write."""
SAID = "said"
"""The file of what a child says on stderr."""
ROOT = Path(__file__).parents[1]
WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a child is to do."""

    home: str = ""
    url: str = ""
    knobs: Mapping[str, str] = field(default_factory=dict)
    after: float = 600.0
    """Seconds until it is killed."""
    at: int = 0
    """The number of the change before which it kills itself; 0: of none."""
    devices: int = 0
    """GPUs that there are, for the changes of a turn."""
    fails: Sequence[int] = ()
    """Numbers of the jobs, from 1, that the sandbox fails."""
    fork: bool = True
    """False: run it where it is, so that all is imported and compiled when a child is forked."""


class Nursery:
    """The process that forks children: threads and SDKs are not forked along."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, order: Order) -> int:
        """Run a child to its end; its status as `subprocess` has it."""
        told, heard = self._process.stdin, self._process.stdout
        assert told
        assert heard
        told.write(json.dumps(vars(order) | {"knobs": dict(order.knobs)}) + "\n")
        told.flush()
        return int(heard.readline())


@contextmanager
def nursery() -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.nursery"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield Nursery(process)
        assert process.stdin
        process.stdin.close()


def fork_children(orders: IO[str]) -> int:
    for line in orders:
        order = Order(**json.loads(line))
        settings = lay_out(Path(order.home), openai_base_url=f"{order.url}/v1", **order.knobs)
        child = os.fork() if order.fork else None
        if child is None:
            play(settings, Path(order.home, "executions"), order.devices)
            print(0, flush=True)
            continue
        if not child:
            os._exit(_live(order, settings))
        ended = os.pidfd_open(child)
        if not select.select([ended], [], [], order.after)[0]:
            os.kill(child, signal.SIGKILL)
        os.close(ended)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


def _live(order: Order, settings: Settings) -> int:
    """Run, in a child; the number of changes goes to a file."""
    home, changes = Path(order.home), 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        opens = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & WRITING)
        changes += opens or event in CHANGES
        if changes == order.at and (opens or event in CHANGES):
            if opens and arguments[2] & os.O_TRUNC:
                changes += 1  # or this one would count
                Path(arguments[0]).write_bytes(b"")
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> int:
        sys.addaudithook(count)
        play(settings, home / "executions", order.devices, order.fails)
        total = changes
        (home / "changes").write_text(str(total))
        return 0

    os.dup2(os.open(home / SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    try:
        return in_order(run)
    except BaseException:  # noqa: BLE001 - a forked child must end here
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    sys.exit(fork_children(sys.stdin))
