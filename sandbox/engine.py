"""What can be known of a container engine before anything runs on it."""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.base import SandboxError, Weakness
from sandbox.seccomp import PROFILE

if TYPE_CHECKING:
    from collections.abc import Collection

    from docker import DockerClient

DRIVERS = Path("/proc/driver/nvidia/gpus")
"""Where the driver of this machine has a folder for each GPU."""
ANSWER_SECONDS = 30
"""A busy engine takes seconds to create a container; docker-py would wait for 60."""


def connect() -> DockerClient:
    """The engine that DOCKER_HOST names, or the local one.

    Raises:
        SandboxError: none answers.
    """
    import docker

    try:
        _knock(docker.utils.kwargs_from_env().get("base_url", docker.constants.DEFAULT_UNIX_SOCKET))
        client = docker.from_env(timeout=ANSWER_SECONDS)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise SandboxError(f"No container engine answers ({reason}): start Docker, or set DOCKER_HOST.") from None
    return client


def _knock(address: str) -> None:
    """Connect to a Unix socket and hang up: where nobody answers, docker-py 7.1 would leave one open."""
    scheme, _, path = address.partition("://")
    if "unix" in scheme:
        with socket.socket(socket.AF_UNIX) as knocking:
            try:
                knocking.connect(path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, path) from None


def describe(client: DockerClient) -> str:
    """Name and version: `Docker 20.10.24`."""
    version = client.version()
    return f"{'Podman' if is_podman(version) else 'Docker'} {version.get('Version', '?')}"


def is_podman(version: dict[str, Any]) -> bool:
    components = version.get("Components") or [{}]
    return "podman" in str(components[0].get("Name", "")).lower()


def gpus(info: dict[str, Any]) -> str:
    """The GPUs that an engine offers, as `hardening.device_request` takes them; empty where there are none."""
    devices = [str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or []]
    if "nvidia" in (info.get("Runtimes") or {}):
        return "all"
    return "nvidia.com/gpu=all" if any(device.startswith("nvidia.com/gpu=") for device in devices) else ""


def devices(info: dict[str, Any], gpus: str, drivers: Path | None) -> tuple[str, ...]:
    """The GPUs of `gpus`, one by one: as the engine names them, or as the driver of this machine counts them.

    `drivers`: the folder in which the driver has one for each GPU; None where the engine is on another machine.
    """
    if not gpus.endswith("all"):
        return tuple(gpus.split(",")) if gpus else ()
    names = sorted(str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or [])
    if gpus != "all":
        return tuple(name for name in names if name.startswith("nvidia.com/gpu=") and name[15:].isdecimal())
    there = list(drivers.iterdir()) if drivers and drivers.is_dir() else []
    return tuple(str(number) for number in range(len(there)))


def weaknesses(info: dict[str, Any], *, podman: bool) -> list[Weakness]:
    """Limits that this engine would ignore in silence, as far as it says so."""
    fields = {"MemoryLimit": "memory", "SwapLimit": "swap", "PidsLimit": "processes", "CpuCfsQuota": "cpu"}
    found = [
        Weakness(name, "the engine has no such limit") for field, name in fields.items() if info.get(field) is False
    ]
    seccomp = any("seccomp" in str(option) for option in info.get("SecurityOptions") or [])
    return found if seccomp or podman else [*found, Weakness("seccomp", "the engine has no system call filters")]


def check(client: DockerClient, accepted: Collection[str] = ()) -> None:
    """Refuse an engine that says that it would ignore limits.

    Raises:
        SandboxError: it cannot contain a job.
    """
    found = weaknesses(client.info(), podman=is_podman(client.version()))
    if names := [weakness.name for weakness in found if weakness.name not in accepted]:
        raise SandboxError(
            f"{describe(client)} cannot limit {', '.join(names)}: take another engine, or the risk with "
            f"SANDBOX_ALLOW_WEAK={','.join(names)}."
        )


def seccomp_argument(*, podman: bool) -> str:
    """The profile as the engine takes it: Docker wants the JSON itself, Podman a path, whose file is the caller's."""
    if not podman:
        return json.dumps(json.loads(PROFILE.read_text()))
    with tempfile.NamedTemporaryFile("w", prefix="automodel-seccomp-", suffix=".json", delete=False) as file:
        file.write(PROFILE.read_text())
    return str(Path(file.name))
