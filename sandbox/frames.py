"""What PID 1 sends, read by the host: strict, bounded, and straight to disk.

PID 1 is our own code, yet it lives in one namespace with generated code. So nothing here is believed: only wanted names
are written, only as many bytes as were wanted, and the first frame that does not fit ends the reading.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import ANSWERED, Event, InvalidReportError, printable
from sandbox import pid1
from sandbox.pid1 import ANSWER, EVENTS, FRAME_BYTES, HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import BinaryIO

EVENTS_MOST = 20_000
REFUSED_MOST = 100


class BrokenFramesError(Exception):
    """Raised when what arrives is not what PID 1 sends."""


@dataclass(frozen=True, kw_only=True)
class End:
    """PID 1's last words."""

    status: int
    why: str
    """`ended`, `deadline`, `idle` (nobody said go), `unkillable` (something survived, so no file was sent)."""
    oom: int
    """Processes that the kernel killed for memory, as far as PID 1 can see."""


class Receiver:
    """Takes the bytes of PID 1's stdout in any pieces; holds at most one frame of them."""

    def __init__(
        self, folder: Path, wanted: Mapping[str, int], on_event: Callable[[Event], None], answer_bytes: int = 0
    ) -> None:
        self.files: dict[str, Path] = {}
        self.refused: list[str] = []
        self.end: End | None = None
        self._folder = folder
        self._wanted = wanted
        self._on_event = on_event
        self._answer_bytes = answer_bytes
        self._answers = 0
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._name = ""
        self._left = 0
        self._events = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived.

        Raises:
            BrokenFramesError: it does not fit; nothing more may be fed.
            OSError: the host's disk refuses a file.
        """
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if length > FRAME_BYTES or self.end is not None:
                raise BrokenFramesError(f"a frame of {length} bytes")
            if len(self._buffer) < HEADER.size + length:
                return
            payload = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            self._take(kind, payload)

    def close(self) -> None:
        """Forget a file that did not arrive whole."""
        if self._file is not None:
            self._file.close()
            self._file = None
            (self._folder / self._name).unlink(missing_ok=True)  # an interrupted caller may have cleared up
            self.refused.append(f"{self._name}: cut short")

    def _take(self, kind: bytes, payload: bytes) -> None:
        if (kind == pid1.DATA) != (self._file is not None):
            raise BrokenFramesError(f"kind {kind!r} out of turn")
        match kind:
            case pid1.DATA:
                self._write(payload)
            case pid1.EVENT:
                self._event(payload)
            case pid1.FILE:
                self._begin(_json(payload, dict))
            case pid1.REFUSED:
                self.refused += [printable(str(line)[:200]) for line in _json(payload, list)[:REFUSED_MOST]]
            case pid1.END:
                self.end = _end(_json(payload, dict))
            case _:
                raise BrokenFramesError(f"unknown kind {kind!r}")

    def _begin(self, raw: dict[str, Any]) -> None:
        name, size = raw.get("name"), raw.get("size")
        limit = self._limit(name) if isinstance(name, str) else None
        if not isinstance(name, str) or limit is None:
            raise BrokenFramesError("a file that is not wanted")
        if not isinstance(size, int) or not 0 <= size <= limit:
            raise BrokenFramesError("a file beyond its size")
        self._name, self._left = name, size
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(self._folder / name, flags, 0o644), "wb")
        self._finish_file()

    def _limit(self, name: str) -> int | None:
        """Bytes that a file of this name may have now; None where it may not come."""
        if self._answer_bytes and name == f"{ANSWER}{self._answers + 1:06}":
            return self._answer_bytes
        return None if name in self.files else self._wanted.get(name)

    def _write(self, payload: bytes) -> None:
        self._left -= len(payload)
        if self._file is None or self._left < 0:
            raise BrokenFramesError("more bytes than the file has")
        self._file.write(payload)
        self._finish_file()

    def _finish_file(self) -> None:
        if self._left == 0 and self._file is not None:
            self._file.close()
            self._file = None
            if self._name in self._wanted:
                self.files[self._name] = self._folder / self._name
            else:
                self._answers += 1
                self._on_event(Event(kind=ANSWERED, text=self._name))

    def _event(self, payload: bytes) -> None:
        self._events += 1
        if self._events > EVENTS_MOST:
            return
        try:
            event = Event.parse(payload)
        except InvalidReportError:
            return
        if event.kind == ANSWERED:  # that is said here alone
            return
        with (self._folder / EVENTS).open("ab") as file:
            file.write(event.dump() + b"\n")
        self.files[EVENTS] = self._folder / EVENTS
        self._on_event(event)


def _json(payload: bytes, kind: type) -> Any:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise BrokenFramesError("a frame that cannot be read")
    return value


def _end(raw: dict[str, Any]) -> End:
    status, why, oom = raw.get("status"), raw.get("why"), raw.get("oom")
    if not (isinstance(status, int) and isinstance(oom, int) and isinstance(why, str) and 0 <= status <= 255):
        raise BrokenFramesError("a last frame that makes no sense")
    return End(status=status, why=why, oom=oom)
