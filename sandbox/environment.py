"""What every job finds in its world, whichever sandbox it runs in; nothing of the host's environment goes in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import harness.report
from sandbox.base import MIB, Mount, SandboxError
from sandbox.pid1 import EVENTS, Orders

if TYPE_CHECKING:
    from sandbox.base import Job, Limits

UID = 64321
"""User and group of untrusted jobs: a number that no host account has (a file of uid 1000 would be someone's)."""
HOME = "/opt/automodel"
INPUT = "/job/input"
PID1 = f"{HOME}/pid1.py"
OPEN_FILES = 4096


def environment(job: Job, path: str, *, gpu: bool = False) -> dict[str, str]:
    """The environment variables of a job; `path` is where its programs are."""
    return {
        "PATH": path,
        "PYTHONPATH": HOME,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "LANG": "C.UTF-8",
        "HOME": "/tmp",  # noqa: S108 - the job's own, in its own world
        "USER": "sandbox",  # getpass looks here first, and nobody has this uid
        "LOGNAME": "sandbox",
        "TORCHINDUCTOR_CACHE_DIR": "/tmp/inductor",  # noqa: S108
        "TRITON_CACHE_DIR": "/tmp/triton",  # noqa: S108
        "OMP_NUM_THREADS": str(max(1, int(job.limits.cpus))),  # torch sees the host's cores, not the quota
        "OMP_WAIT_POLICY": "passive",  # spinning at barriers costs 5.5 x on a busy machine
        "GOMP_SPINCOUNT": "0",
        **({} if gpu else {"NVIDIA_VISIBLE_DEVICES": "void", "CUDA_VISIBLE_DEVICES": ""}),
        **({} if job.network else {"HF_HUB_OFFLINE": "1"}),
        **job.environment,
    }


def mounts(job: Job) -> list[Mount]:
    """All host folders and files that a job sees.

    Raises:
        SandboxError: one is missing or closed to the job, or writable for a job that is not trusted.
    """
    everything = [
        Mount(source=Path(harness.report.__file__).parent, target=f"{HOME}/harness"),
        Mount(source=Path(__file__).with_name("pid1.py"), target=PID1),
        Mount(source=job.input, target=INPUT),
        *job.mounts,
    ]
    for mount in everything:
        if mount.writable and not job.trusted:
            raise SandboxError(f"{mount.source} may be writable only for a trusted job, and {job.name} is none.")
        if not mount.source.exists():
            raise SandboxError(f"{mount.source} does not exist, so {job.name} cannot see it as {mount.target}.")
        if not job.trusted and not mount.source.stat().st_mode & 0o004:
            raise SandboxError(f"{mount.source} is closed to the user that {job.name} runs as: chmod -R o+rX it.")
    return everything


def open_input(job: Job) -> None:
    """Let the job's user read its input, whatever umask it was written with."""
    for path in (job.input, *job.input.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


def wanted(job: Job) -> dict[str, int]:
    """The files to fetch. Events are not among them: they come while the job runs."""
    return {name: size for name, size in job.wanted.items() if name != EVENTS}


def pid1_command(python: str, job: Job, *, uid: int | None = None, processes: int | None = None) -> list[str]:
    """The command line that runs a job under PID 1; `uid` and `processes` where nobody else sets them."""
    limits = job.limits
    rlimits = {"CORE": 0, "NOFILE": OPEN_FILES}
    if not job.trusted:
        rlimits["FSIZE"] = largest_file(limits)
    if processes is not None:
        rlimits["NPROC"] = processes
    orders = Orders(
        seconds=limits.seconds,
        idle=limits.idle,
        wanted=wanted(job),
        rlimits=rlimits,
        uid=uid,
        answer_bytes=job.answer_bytes,
    )
    pid1 = [python, "-I", "-S", PID1, json.dumps(asdict(orders))]
    return [*pid1, python, "-P", *job.arguments]


def largest_file(limits: Limits) -> int:
    """No file can usefully be larger than the largest folder; a sparse one could claim to be."""
    return max(limits.output, limits.scratch, limits.shm) + MIB
