"""A program, watched from outside: how long it takes and how much memory it has."""

from __future__ import annotations

import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Ran:
    """What a program took."""

    seconds: float
    peak: int
    """Bytes resident at most, in the program itself. Polled: `ru_maxrss` counts its parent and its children, too."""


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Ran:
    """Run a program to its end.

    Raises:
        CalledProcessError: it failed.
    """
    began, peak = time.perf_counter(), 0
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, env=variables, cwd=folder, stdout=subprocess.DEVNULL) as process:
        ended = os.pidfd_open(process.pid)
        while not select.select([ended], [], [], POLL_SECONDS)[0]:
            peak = max(peak, _peak(process.pid))
        seconds = time.perf_counter() - began
        os.close(ended)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(seconds, peak)


def _peak(process: int) -> int:
    """`VmHWM`; 0 where it has just ended."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)
