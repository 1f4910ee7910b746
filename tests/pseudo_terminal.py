"""A program on a terminal of its own: what it writes there, and keys that are pressed when it has written something."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent


def on_terminal(
    arguments: Sequence[str],
    *,
    columns: int = 80,
    rows: int = 24,
    keys: Sequence[tuple[str, bytes]] = (),
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run Python with these arguments; the status it ended with, and all it wrote.

    `keys`: each is pressed once its text was written, one after the other.
    """
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    variables = {**plain, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(environment or {})}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, [sys.executable, *arguments], variables)  # noqa: S606 - no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    written, waiting = b"", list(keys)
    while data := _read(terminal):
        written += data
        if waiting and waiting[0][0].encode() in written:
            os.write(terminal, waiting.pop(0)[1])
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), written.decode()


def _read(terminal: int) -> bytes:
    """What is written next; nothing at the end, which Linux calls an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
