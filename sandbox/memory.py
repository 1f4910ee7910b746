"""A memory limit without a control group: look at the processes five times a second, and kill the heaviest as need be.

A job can be over its limit for a fifth of a second. Files in /tmp and /job/out are bounded by their own sizes. Not
covered: what waits in sockets and pipes, which belongs to the kernel.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 0.2


class MemoryWatch:
    """Does what the kernel does at a group's limit, for the process tree below `root`."""

    def __init__(self, root: int, limit: int) -> None:
        self.kills = 0
        self._root = root
        self._limit = limit
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(PERIOD):
            weights = {pid: held(pid) for pid in tree(self._root)}
            over = sum(weights.values()) - self._limit
            for pid in sorted(weights, key=weights.__getitem__, reverse=True):
                if over <= 0:
                    break
                over -= weights[pid]
                self.kills += 1
                with contextlib.suppress(OSError):  # it has ended
                    os.kill(pid, signal.SIGKILL)


def tree(root: int) -> Iterator[int]:
    """A process and all that descend from it. In a pid namespace nobody can leave the tree of its PID 1."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        threads: list[Path] = []
        with contextlib.suppress(OSError):  # it has ended, as any of its threads may have
            threads = list(Path(f"/proc/{pid}/task").iterdir())
        for thread in threads:
            with contextlib.suppress(OSError):
                waiting += map(int, (thread / "children").read_bytes().split())


def held(pid: int) -> int:
    """Bytes that a process holds: its share of shared pages where the kernel tells us, else all that it maps.

    A process may hide the first, and may have any bytes for a name.
    """
    for name, key in (("smaps_rollup", b"Pss:"), ("status", b"VmRSS:")):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/{name}").read_bytes().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) << 10
    return 0
