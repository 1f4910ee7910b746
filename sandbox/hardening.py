"""The arguments of a container: the same for every engine, decided here alone, and held by a golden test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandbox import owner
from sandbox.environment import OPEN_FILES, UID, environment, mounts, pid1_command
from sandbox.pid1 import OUT

if TYPE_CHECKING:
    from sandbox.base import Job, Mount

LABEL, OWNER = "automodel", "automodel.owner"
"""What the reaper looks for: the name of the job, and `owner.tag` of who started it."""
IMAGE_PATH = "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"
PYTHON = "/opt/venv/bin/python"
OOM_SCORE = 500
"""On a host out of memory a sandbox goes before the user's own programs."""
PODMAN_ULIMITS = {"nofile": OPEN_FILES, "nproc": 16384}
"""Processes are bounded for each container; these are counted for each user."""
CPU_SHARES = 512
"""Half of what a container has by default: on a busy host the user's own programs come first."""


def container_arguments(job: Job, *, seccomp: str, gpus: str = "", podman: bool = False) -> dict[str, Any]:
    """Keyword arguments for `client.containers.create`, all but the image and the runtime.

    Args:
        job: What is to run.
        seccomp: The profile as the engine wants it: JSON, or a path for Podman.
        gpus: `all`, device ids with commas, CDI names, or nothing.
        podman: Whether it is Podman, which knows neither owners nor numbers of files of a tmpfs (4.3).
    """
    uid, gid = (os.getuid(), os.getgid()) if job.trusted else (UID, UID)
    limits = job.limits

    def tmpfs(size: int, files: int, execute: str) -> str:
        owned = "mode=0777" if podman else f"mode=0700,uid={uid},gid={gid},nr_inodes={files}"
        return f"rw,nosuid,nodev,{execute},size={size},{owned}"

    arguments: dict[str, Any] = {
        "command": pid1_command(PYTHON, job),
        "entrypoint": [],
        "environment": environment(job, IMAGE_PATH, gpu=bool(gpus)),
        "labels": {LABEL: job.name, OWNER: owner.tag()},
        "user": f"{uid}:{gid}",
        "hostname": "sandbox",
        "working_dir": "/tmp",  # noqa: S108 - the job's own
        "network_mode": "bridge" if job.network else "none",
        "ipc_mode": "private",
        "cgroupns": "private",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", f"seccomp={seccomp}"],
        "read_only": True,
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "pids_limit": limits.pids,
        "nano_cpus": int(min(limits.cpus, os.cpu_count() or 1) * 1e9),  # more than there are is refused
        "cpu_shares": CPU_SHARES,
        "oom_score_adj": OOM_SCORE,
        "shm_size": limits.shm,
        "mounts": [bind(mount) for mount in mounts(job)],
        "tmpfs": {
            "/tmp": tmpfs(limits.scratch, limits.scratch_files, "exec"),  # noqa: S108 - compiled kernels load there
            OUT: tmpfs(limits.output, limits.files, "noexec"),
        },
        "log_config": {"Type": "none", "Config": {}},
        "init": False,
        "tty": False,
        "stdin_open": False,
        "auto_remove": False,
        "restart_policy": {"Name": "no"},
    }
    if podman:  # its own defaults may be more than the machine allows
        arguments["ulimits"] = [{"Name": name, "Soft": most, "Hard": most} for name, most in PODMAN_ULIMITS.items()]
    return arguments | ({"device_requests": [device_request(gpus)]} if gpus else {})


def dropped(arguments: dict[str, Any], made: dict[str, Any]) -> list[str]:
    """Names, of `base.WEAK_NAMES`, of what was asked for and is not so in a container's HostConfig."""
    kept = {
        "memory": made.get("Memory") == arguments["mem_limit"],
        "swap": made.get("MemorySwap") == arguments["memswap_limit"],
        "processes": made.get("PidsLimit") == arguments["pids_limit"],
        "cpu": made.get("NanoCpus") == arguments["nano_cpus"] or bool(made.get("CpuQuota")),
        "seccomp": any("seccomp" in option for option in made.get("SecurityOpt") or []),
        "privileges": not made.get("Privileged") and not made.get("CapAdd") and bool(made.get("CapDrop")),
        "network": made.get("NetworkMode") == arguments["network_mode"],
        "read-only": made.get("ReadonlyRootfs") is True,
        "disk": set(arguments["tmpfs"]) <= set(made.get("Tmpfs") or {}),
    }
    return [name for name, so in kept.items() if not so]


def bind(mount: Mount) -> dict[str, Any]:
    """A mount in the form of the engine's API, which refuses a source that is not there."""
    source = str(mount.source.resolve())
    return {"Type": "bind", "Source": source, "Target": mount.target, "ReadOnly": not mount.writable}


def device_request(gpus: str) -> dict[str, Any]:
    """GPUs in the form of the engine's API: by CDI name (`nvidia.com/gpu=0`), by id, or all."""
    if "=" in gpus:
        return {"Driver": "cdi", "DeviceIDs": gpus.split(",")}
    which: dict[str, Any] = {"Count": -1} if gpus == "all" else {"DeviceIDs": gpus.split(",")}
    return {"Driver": "", "Capabilities": [["gpu", "compute", "utility"]], **which}
