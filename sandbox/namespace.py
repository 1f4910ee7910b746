"""The arguments of bwrap: an empty world with a Python in it. Decided here alone, like a container's in `hardening.py`.

As root bwrap needs no user namespace, and none is made: PID 1 turns into an unused user. An ordinary user gets one, in
which no further one can be made. Either way the host's Python is seen at its own path, read-only.
Not covered: the number of files in /job/out, which only the memory limit bounds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.environment import UID, mounts
from sandbox.pid1 import OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.base import Job

SYSTEM = ("bin", "lib", "lib32", "lib64", "sbin")
PASSWORDS = ("pip.conf", ".condarc", "condarc", ".netrc")
"""Files beside a Python that may hold logins: a job cannot open them."""
NETWORK_FILES = ("resolv.conf", "hosts", "nsswitch.conf", "ssl", "ca-certificates", "pki")


def bwrap_arguments(job: Job, *, root: bool, seccomp: int, info: int) -> list[str]:
    """What follows `bwrap`, up to the command; `root` is who calls it.

    Args:
        job: What is to run.
        root: Whether root calls it.
        seccomp: Descriptor of the compiled filter.
        info: Descriptor to which bwrap writes the process id of PID 1.
    """
    return [
        *_isolation(job, root=root),
        *_system(),
        *(["--proc", "/proc", "--dev", "/dev"]),
        *_tmpfs("/dev/shm", job.limits.shm),  # noqa: S108 - the job's own
        *_tmpfs("/tmp", job.limits.scratch),  # noqa: S108
        *_tmpfs(OUT, job.limits.output),
        *_python(),  # after /tmp: a checkout may lie there
        *_binds(job),
        *(["--remount-ro", "/", "--remount-ro", "/dev", "--chdir", "/tmp"]),  # noqa: S108
        *(["--seccomp", str(seccomp), "--info-fd", str(info), "--as-pid-1", "--"]),
    ]


def _isolation(job: Job, *, root: bool) -> list[str]:
    arguments = ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
    arguments += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if not job.network:
        arguments.append("--unshare-net")
    if root and not job.trusted:
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]  # PID 1 needs them once, and drops them
    if not root:
        uid, gid = (os.getuid(), os.getgid()) if job.trusted else (UID, UID)
        arguments += ["--unshare-user", "--disable-userns", "--uid", str(uid), "--gid", str(gid)]
    return arguments


def _system() -> list[str]:
    """/usr and its aliases."""
    arguments = ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    return arguments


def _python() -> list[str]:
    """The host's Python, where that is not below /usr."""
    folders = python_folders()
    arguments = [word for folder in folders for word in (*_parents(folder), "--ro-bind", folder, folder)]
    return [*arguments, *hide_passwords((*folders, "/usr", "/usr/local"))]


def hide_passwords(folders: Iterable[str]) -> list[str]:
    """Put a device that no job may open over each of `PASSWORDS` that is there."""
    paths = [Path(folder, name) for folder in folders for name in PASSWORDS]
    there = [str(path) for path in paths if path.is_file() and not path.is_symlink()]
    return [word for path in there for word in ("--ro-bind", "/dev/null", path)]


def python_folders() -> list[str]:
    """The virtual environment and the installation it stands on, links followed and not, outermost first."""
    real = Path(sys.executable).resolve().parents[1]
    folders = {str(path) for prefix in (sys.prefix, sys.base_prefix, real) for path in (prefix, Path(prefix).resolve())}
    return sorted(folder for folder in folders if not f"{folder}/".startswith("/usr/"))


def _tmpfs(target: str, size: int) -> list[str]:
    return [*_parents(target), "--perms", "0777", "--size", str(size), "--tmpfs", target]


def _parents(target: str) -> list[str]:
    """Folders above a mount. Those that bwrap makes by itself are closed to all but root."""
    above = [str(parent) for parent in reversed(Path(target).parents)][1:]
    return [word for folder in above for word in ("--dir", folder)]


def _binds(job: Job) -> list[str]:
    arguments = []
    for mount in mounts(job):
        bind = "--bind" if mount.writable else "--ro-bind"
        arguments += [*_parents(mount.target), bind, str(mount.source.resolve()), mount.target]
    if job.network:
        for name in NETWORK_FILES:
            arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return arguments
