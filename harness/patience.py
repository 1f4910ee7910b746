"""How long a step may take that should be over in a moment, on a busy machine, too."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.progress import Progress


class Patience:
    """The limit of each quick step of a phase; it stands still while the process waits for a processor."""

    def __init__(self, progress: Progress, seconds: float) -> None:
        self._progress = progress
        self._seconds = seconds
        self._step = progress.step
        self._waited = 0.0

    def deadline(self, process: int) -> float:
        """Until when the current step may take (monotonic); infinite where it is none of the quick ones."""
        if self._progress.quick_since == inf:
            return inf  # all through a training nobody need look at its threads
        waited = seconds_waited(process)
        if self._step is not self._progress.step:
            self._step, self._waited = self._progress.step, waited
        return self._progress.quick_since + self._seconds + waited - self._waited


def seconds_waited(process: int) -> float:
    """How long the threads of a process were ready to run while others ran; 0 where the kernel does not tell.

    Of all threads: the main one sleeps while another computes its part of an operation, or waits for its turn to.
    """
    return sum(_nanoseconds_waited(file) for file in Path(f"/proc/{process}/task").glob("*/schedstat")) / 1e9


def _nanoseconds_waited(file: Path) -> int:
    try:
        return int(file.read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0  # the thread has ended meanwhile
