"""Memory and process limits for the embedded sandbox, in a control group of its own, where the kernel lets us make one.

Root can, on version 1 and 2; an ordinary user only below a version 2 group that was delegated to it.
Not covered: CPU time (OMP_NUM_THREADS asks for little) and disk traffic.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from sandbox import owner

ROOT = Path("/sys/fs/cgroup")
PREFIX = "automodel"
CONTROLLERS = ("memory", "pids")


@dataclass(frozen=True)
class Cgroup:
    """One folder on version 2; on version 1 one for each controller."""

    folders: tuple[Path, ...]

    def entrances(self) -> list[str]:
        """Files into which a process writes its id to be bound, with its children to come."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def oom_kills(self) -> int:
        """How often the kernel killed a member for memory."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                lines = (self.folders[0] / name).read_text().splitlines()
                return int(dict(line.split() for line in lines).get("oom_kill", 0))
        return 0

    def kill(self) -> None:
        """Kill all members."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)

    def remove(self) -> None:
        """Remove it; members that were just killed take milliseconds to leave."""
        for folder in self.folders:
            for _ in range(100):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
                else:
                    break


def create(memory: int, processes: int) -> Cgroup | None:
    """Make a group with these limits; None where the kernel does not let us."""
    name = f"{PREFIX}_{owner.tag()}_{uuid.uuid4().hex[:8]}"
    for parents in _parents():
        group = Cgroup(tuple(parent / name for parent in parents))
        try:
            _limit(group, memory, processes)
        except OSError:
            group.remove()
        else:
            return group
    return None


def counts_swap() -> bool:
    """Whether the memory limit of a group that can be made here counts what is swapped."""
    group = create(1 << 30, 10)
    if group is None:
        return False
    try:
        names = ("memory.swap.max", "memory.memsw.limit_in_bytes")
        return any((group.folders[0] / name).exists() for name in names)
    finally:
        group.remove()


def reap() -> int:
    """Remove groups whose owner died, and say how many. Its jobs ended with it; a member that did not is killed."""
    removed = set()
    for parents in _parents():
        for parent in parents:
            for folder in parent.glob(f"{PREFIX}_*_*"):
                if not owner.alive(folder.name.split("_")[1]):
                    group = Cgroup((folder,))
                    group.kill()
                    group.remove()
                    removed.add(folder.name)  # version 1 has it twice
    return len(removed)


def _limit(group: Cgroup, memory: int, processes: int) -> None:
    for folder in group.folders:
        folder.mkdir()
    first, last = group.folders[0], group.folders[-1]
    if (first / "memory.max").exists():
        (first / "memory.max").write_text(str(memory))
        (first / "memory.swap.max").write_text("0")
    else:
        (first / "memory.limit_in_bytes").write_text(str(memory))
        with contextlib.suppress(FileNotFoundError):  # a kernel that does not count swap
            (first / "memory.memsw.limit_in_bytes").write_text(str(memory))
    (last / "pids.max").write_text(str(processes))


def _parents() -> list[tuple[Path, ...]]:
    """Where a group could be made, best first: below our own, beside it, at the root. One folder a hierarchy."""
    own = _own()
    if all((ROOT / controller).is_dir() for controller in CONTROLLERS):
        below = tuple(ROOT / controller / own.get(controller, "") for controller in CONTROLLERS)
        return [below, tuple(ROOT / controller for controller in CONTROLLERS)]
    folder = ROOT / own.get("", "")
    return [(parent,) for parent in (folder, folder.parent, ROOT) if _delegates(parent)]


def _own() -> dict[str, str]:
    """The group that we are in, by controller; version 2 has the empty name."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return {
        controller: path.lstrip("/")
        for _, controllers, path in (line.split(":", 2) for line in lines)
        for controller in controllers.split(",")
    }


def _delegates(folder: Path) -> bool:
    try:
        enabled = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return set(CONTROLLERS) <= set(enabled)
