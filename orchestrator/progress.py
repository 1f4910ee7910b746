"""What a run is doing right now, for who watches it from another process: `progress.jsonl` in its folder.

It holds the present phase alone, and only as a courtesy: a full disk, or a kill, costs nothing but what could be seen.
A line is an event as `harness.report` writes it, with the number of the job that told it, of those side by side.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.report import EVENT_BYTES, Event, InvalidReportError

if TYPE_CHECKING:
    from pathlib import Path

PROGRESS = "progress.jsonl"
PROGRESS_BYTES = 256 << 10
"""About 1,500 points of a curve; after them every second line is dropped."""
PHASE = "run"
"""The kind of the line that says what the run is about."""


class Progress:
    """The one writer of a run's progress."""

    def __init__(self, run: Path) -> None:
        self._file = os.open(run / PROGRESS, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o644)
        self._lock = threading.Lock()

    def phase(self, text: str) -> None:
        """Something else begins; what was told of the last one is of no use any more."""
        with self._lock, suppress(OSError):
            os.ftruncate(self._file, 0)
            os.write(self._file, _line(Event(kind=PHASE, text=text), 0))

    def event(self, event: Event, job: int = 0) -> None:
        """What a job tells; called from the thread that drains it. `job`: which, of those side by side."""
        line = _line(event, job)
        with self._lock, suppress(OSError):
            if os.fstat(self._file).st_size + len(line) > PROGRESS_BYTES:
                self._thin()
            os.write(self._file, line)

    def _thin(self) -> None:
        """Drop every second line but the first."""
        first, *rest = os.pread(self._file, PROGRESS_BYTES, 0).splitlines(keepends=True)
        os.ftruncate(self._file, 0)
        os.write(self._file, b"".join([first, *rest[1::2]]))

    def close(self) -> None:
        with self._lock:
            os.close(self._file)
            self._file = -1


@dataclass(frozen=True, kw_only=True)
class Now:
    """What a run was doing when it last said so."""

    phase: str = ""
    step: str = ""
    """Of the job that spoke last."""
    curves: tuple[tuple[dict[str, float], ...], ...] = ()
    """The points so far of each training that goes on; several side by side, where an engine has several GPUs."""


def read_progress(run: Path) -> Now:
    """What the run is doing; nothing where it has not said anything."""
    try:
        with (run / PROGRESS).open("rb") as file:
            lines = file.read(PROGRESS_BYTES + EVENT_BYTES).splitlines()
    except OSError:
        return Now()
    phase = step = ""
    curves: dict[int, list[dict[str, float]]] = {}
    for line in lines:
        with suppress(InvalidReportError, ValueError, TypeError, LookupError):  # the last line may be half written
            event, job = Event.parse(line), int(json.loads(line)["job"])
            phase = event.text if event.kind == PHASE else phase
            step = event.text if event.kind == "phase" else step
            if event.kind == "epoch":
                curves.setdefault(job, []).append(event.metrics)
    return Now(phase=phase, step=step, curves=tuple(tuple(curves[job]) for job in sorted(curves)))


def _line(event: Event, job: int) -> bytes:
    return json.dumps({**asdict(event), "job": job}, allow_nan=False).encode() + b"\n"
