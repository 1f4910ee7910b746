"""The seam between deciding and containing: what a job is, how it ends, what a sandbox must do.

The failure rule: a program that fails is a result and is *returned* (`Ended`); a sandbox that fails is *raised*
(`SandboxError`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.report import Event

MIB = 1 << 20


class SandboxError(Exception):
    """Raised when the sandbox itself fails: no engine, no image, a mount that is not there, a kill without effect."""

    status = 4
    """What the program exits with when this ends it: `orchestrator.errors` has the list."""


WEAK_NAMES = ("memory", "swap", "processes", "cpu", "seccomp", "privileges", "network", "read-only", "disk")
"""What a sandbox may fail to enforce."""


@dataclass(frozen=True)
class Weakness:
    """Something that a sandbox does not enforce."""

    name: str
    """One of `WEAK_NAMES`."""
    why: str


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A host folder as the job sees it."""

    source: Path
    target: str
    """Absolute, below /job or /source."""
    writable: bool = False
    """Only for trusted jobs."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may use. Sizes in bytes."""

    seconds: float
    """Wall time from `Running.go` until everything is killed. The harness's own clock is shorter."""
    idle: float = 3600.0
    """Wall time from the start that it waits for `go`; then it ends itself, so that no forgotten one stays."""
    memory: int = 4096 * MIB
    pids: int = 512
    cpus: float = 2.0
    shm: int = 1024 * MIB
    """Size of /dev/shm: DataLoader workers hand batches over in it. Counts as memory."""
    scratch: int = 256 * MIB
    """Size of /tmp. Counts as memory."""
    scratch_files: int = 16384
    """Files and folders that /tmp may hold."""
    output: int = 256 * MIB
    """Size of /job/out. Counts as memory."""
    files: int = 1024
    """Files and folders that /job/out may hold."""
    log: int = 8 * MIB
    """Bytes of stdout and stderr, together, after which the job is killed."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the sandbox is asked to run: `python ARGUMENTS`, in an empty world with these mounts."""

    name: str
    """`fit`, `predict`, `prepare`, `sheet`, `probe`: shown in lists of containers and in logs."""
    arguments: tuple[str, ...]
    """What follows `python`; the harness is importable: `("-m", "harness", "fit")`."""
    input: Path
    """Host folder, read-only at /job/input. It may be filled until `Running.go`, and then with what to answer."""
    output: Path
    """Host folder, empty: `wanted` files come here, and nothing else."""
    limits: Limits
    mounts: tuple[Mount, ...] = ()
    wanted: Mapping[str, int] = field(default_factory=dict)
    """Names of files that are fetched from /job/out, each with the bytes that it may have."""
    answer_bytes: int = 0
    """Above 0, files `answer-000001` and so on, of at most so many bytes, come to `output` while it runs, each as soon
    as it is there. `on_event` hears of each: `harness.report.ANSWERED`, and its name. Whoever takes one removes it."""
    trusted: bool = False
    """True for our own code alone: the job runs as the calling user and may have writable mounts."""
    network: bool = False
    """True: it reaches what the host reaches. Nothing that we run asks for it: generated code never may."""
    gpu: bool = False
    """True: it gets the GPUs that the sandbox has, if any."""
    device: str = ""
    """One of `Sandbox.devices`, for a job that is to have this GPU alone."""
    environment: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """How a job ended, as the host saw it."""

    FINISHED = "finished"
    """It ended by itself; `Ended.status` says how."""
    DEADLINE = "deadline"
    """Killed: `Limits.seconds` were over."""
    LOG_OVERFLOW = "log overflow"
    """Killed: it printed more than `Limits.log`."""
    OUT_OF_MEMORY = "out of memory"
    """The kernel killed it at `Limits.memory`."""
    KILLED = "killed"
    """It died by SIGKILL, and nobody here sent it."""
    CANCELLED = "cancelled"
    """`Running.kill` was called."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is left of a job. Nothing of it runs any more."""

    verdict: Verdict
    status: int
    """Exit status of the program; 128 + n where signal n ended it."""
    seconds: float
    """Wall time from `go` to the end."""
    log: str
    """stdout and stderr in the order written: head and tail, the middle cut, without control characters."""
    files: Mapping[str, Path]
    """Wanted files that were there, whole, regular and within their size; now in `Job.output`."""
    refused: tuple[str, ...] = ()
    """What lay in /job/out and was not fetched, and why: one short line each."""


class Running(Protocol):
    """A started job. It has imported its libraries, or is about to, and waits for `go`."""

    @property
    def ended(self) -> bool:
        """Whether it has ended; before `go` that means that it died, or waited longer than `Limits.idle`."""
        ...

    def go(self) -> None:
        """Let it begin: its input is complete, and its clock starts."""
        ...

    def wait(self) -> Ended:
        """Wait for its end, whatever that is; call after `go`.

        Raises:
            SandboxError: the sandbox failed, not the program.
            OSError: the host cannot take what the program made: its disk is full.
        """
        ...

    def kill(self) -> None:
        """End it at once and leave nothing; harmless when it has ended, in whatever way.

        Raises:
            SandboxError: something of it is left.
        """
        ...


class Sandbox(Protocol):
    """A place where untrusted code runs. Two ship: `docker` and `bubblewrap`."""

    name: str
    gpu: bool
    """Whether jobs can have a GPU."""
    devices: Sequence[str]
    """The GPUs that jobs can have one by one; none where nobody knows them apart."""

    def start(self, job: Job, on_event: Callable[[Event], None] | None = None) -> Running:
        """Start a job in a fresh container that nothing else ever uses. `on_event` is called from another thread.

        Raises:
            SandboxError: it cannot be started.
        """
        ...

    def describe(self) -> dict[str, str]:
        """What its jobs run in, by name: the image, or the versions of the libraries. For the records.

        Raises:
            SandboxError: it cannot be known.
        """
        ...

    def weaknesses(self) -> Sequence[Weakness]:
        """What it knows that it cannot enforce; the rest is tried by `probe.py`."""
        ...

    def close(self) -> None:
        """Kill every job that still runs and leave nothing behind."""
        ...


def run_job(sandbox: Sandbox, job: Job, on_event: Callable[[Event], None] | None = None) -> Ended:
    """Run a job whose input is complete; nothing but its files is left of it.

    Raises:
        SandboxError: the sandbox failed, not the program.
    """
    running = sandbox.start(job, on_event)
    try:
        running.go()
        return running.wait()
    finally:
        running.kill()
