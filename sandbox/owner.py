"""Who started a container: a tag that survives the reuse of process ids and a restart of the machine."""

from __future__ import annotations

import os
from pathlib import Path


def tag() -> str:
    """This process: boot id, process id, and the tick at which it started."""
    return f"{_boot()}:{os.getpid()}:{_started(os.getpid())}"


def alive(owner: str) -> bool:
    """Whether the process of a tag still runs; a tag that cannot be read belongs to nobody."""
    boot, _, process = owner.partition(":")
    pid, _, started = process.partition(":")
    return boot == _boot() and pid.isdigit() and started != "" and _started(int(pid)) == started


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return "" if state == "Z" else fields[18]
