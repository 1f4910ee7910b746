"""What a job printed: the head and the tail of it in constant memory, safe to show."""

from __future__ import annotations

import re

from harness.report import printable

HEAD, TAIL = 16 << 10, 64 << 10
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")


class Tail:
    """Takes any number of bytes and keeps the first `HEAD` and the last `TAIL` of them."""

    def __init__(self) -> None:
        self.bytes = 0
        self._head = b""
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        self.bytes += len(data)
        room = HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        del self._tail[:-TAIL]

    def text(self) -> str:
        """The text without terminal controls; where the middle is gone, a line says how much."""
        gap = self.bytes - len(self._head) - len(self._tail)
        cut = b"\n... %d bytes left out ...\n" % gap if gap else b""
        text = (self._head + cut + self._tail).decode("utf-8", "backslashreplace")
        return printable(ESCAPES.sub("", text))
