"""What a container may, decided without an engine; and what happens when the process that started it dies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox import engine, hardening
from sandbox.base import MIB, Job, Limits, Mount, SandboxError
from sandbox.environment import UID
from sandbox.hardening import container_arguments
from sandbox.seccomp import PROFILE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.docker import DockerSandbox

OWNER = """
import os, sys
from pathlib import Path
from sandbox.base import Job, Limits
from sandbox.docker import DockerSandbox
folder = Path(sys.argv[2])
job = Job(name="orphan", arguments=("-c", "import time; time.sleep(600)"), input=folder, output=folder,
          limits=Limits(seconds=600))
DockerSandbox(sys.argv[1]).start(job)
print("started", flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    tmp_path.chmod(0o755)
    limits = Limits(seconds=60, memory=512 * MIB, cpus=1.0)
    return Job(name="fit", arguments=("-m", "harness", "fit"), input=tmp_path, output=tmp_path, limits=limits)


def test_an_untrusted_container_gets_exactly_this(job: Job, tmp_path: Path) -> None:
    arguments = container_arguments(job, seccomp="{}")

    mounts = arguments.pop("mounts")
    assert [mount["ReadOnly"] for mount in mounts] == [True] * 3
    assert [mount["Target"] for mount in mounts] == ["/opt/automodel/harness", "/opt/automodel/pid1.py", "/job/input"]
    assert str(tmp_path) == mounts[2]["Source"]
    for varying in ("command", "environment", "labels"):
        del arguments[varying]
    assert arguments == {
        "entrypoint": [],
        "user": f"{UID}:{UID}",
        "hostname": "sandbox",
        "working_dir": "/tmp",
        "network_mode": "none",
        "ipc_mode": "private",
        "cgroupns": "private",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", "seccomp={}"],
        "read_only": True,
        "mem_limit": 512 * MIB,
        "memswap_limit": 512 * MIB,
        "pids_limit": 512,
        "nano_cpus": 1_000_000_000,
        "cpu_shares": 512,
        "oom_score_adj": 500,
        "shm_size": 1024 * MIB,
        "tmpfs": {
            "/tmp": f"rw,nosuid,nodev,exec,size=268435456,mode=0700,uid={UID},gid={UID},nr_inodes=16384",
            "/job/out": f"rw,nosuid,nodev,noexec,size=268435456,mode=0700,uid={UID},gid={UID},nr_inodes=1024",
        },
        "log_config": {"Type": "none", "Config": {}},
        "init": False,
        "tty": False,
        "stdin_open": False,
        "auto_remove": False,
        "restart_policy": {"Name": "no"},
    }


def test_a_trusted_container_differs_in_user_and_writable_mounts_alone(job: Job, tmp_path: Path) -> None:
    mount = Mount(source=tmp_path, target="/source", writable=True)
    trusted = Job(**{**job.__dict__, "trusted": True, "mounts": (mount,)})

    strict, loose = (container_arguments(which, seccomp="{}") for which in (job, trusted))

    changed = {name for name in strict if strict[name] != loose[name]} - {"labels"}
    assert {"command", "user", "mounts", "tmpfs"} == changed
    assert f"{os.getuid()}:{os.getgid()}" == loose["user"]
    assert loose["mounts"][-1]["ReadOnly"] is False


def test_podman_gets_what_it_knows(job: Job) -> None:
    docker, podman = (container_arguments(job, seccomp="{}", podman=podman) for podman in (False, True))

    assert {"tmpfs", "ulimits"} == {name for name in podman if podman[name] != docker.get(name)} - {"labels"}
    assert podman["tmpfs"]["/job/out"] == "rw,nosuid,nodev,noexec,size=268435456,mode=0777"


def test_a_job_that_needs_many_files_gets_them(job: Job) -> None:
    many = replace(job, limits=replace(job.limits, scratch_files=60_000))

    assert container_arguments(many, seccomp="{}")["tmpfs"]["/tmp"].endswith(",nr_inodes=60000")


def test_a_network_is_asked_for_by_itself(job: Job) -> None:
    connected = Job(**{**job.__dict__, "network": True})

    strict, loose = (container_arguments(which, seccomp="{}") for which in (job, connected))

    assert {"environment", "network_mode"} == {name for name in strict if strict[name] != loose[name]} - {"labels"}
    assert loose["network_mode"] == "bridge"


@pytest.mark.parametrize(
    ("gpus", "request_"),
    [
        ("all", {"Driver": "", "Count": -1, "Capabilities": [["gpu", "compute", "utility"]]}),
        ("0,2", {"Driver": "", "DeviceIDs": ["0", "2"], "Capabilities": [["gpu", "compute", "utility"]]}),
        ("nvidia.com/gpu=all", {"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}),
    ],
)
def test_gpus_are_requested_as_the_engine_wants_them(gpus: str, request_: dict[str, object]) -> None:
    assert request_ == hardening.device_request(gpus)


@pytest.mark.parametrize(
    ("info", "gpus"),
    [
        ({"Runtimes": {"runc": {}, "nvidia": {}}}, "all"),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": [{"ID": "nvidia.com/gpu=0"}]}, "nvidia.com/gpu=all"),
        ({"Runtimes": None}, ""),
    ],
)
def test_gpus_are_found_by_runtime_or_by_name(info: dict[str, object], gpus: str) -> None:
    assert gpus == engine.gpus(info)


@pytest.mark.parametrize(
    ("gpus", "devices"),
    [
        ("", ()),
        ("0,2", ("0", "2")),
        ("all", ("0", "1")),
        ("nvidia.com/gpu=all", ("nvidia.com/gpu=0", "nvidia.com/gpu=1")),
    ],
)
def test_gpus_are_told_apart_where_they_are_known(gpus: str, devices: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    names = ("nvidia.com/gpu=1", "nvidia.com/gpu=0", "nvidia.com/gpu=all", "nvidia.com/gpu=GPU-3f")
    info = {"DiscoveredDevices": [{"ID": name} for name in names]}

    assert devices == engine.devices(info, gpus, tmp_path)
    assert engine.devices({}, "all", None) == ()


def test_an_engine_that_would_ignore_limits_is_told_apart() -> None:
    good = {"MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "SecurityOptions": ["name=seccomp"]}

    assert engine.weaknesses(good, podman=False) == []
    assert [weak.name for weak in engine.weaknesses({"SwapLimit": False}, podman=False)] == ["swap", "seccomp"]


def test_podman_wants_the_profile_as_a_path() -> None:
    assert engine.is_podman({"Components": [{"Name": "Podman Engine"}]})
    assert json.loads(PROFILE.read_text()) == json.loads(engine.seccomp_argument(podman=False))


@pytest.mark.docker
def test_containers_of_a_killed_owner_are_removed_by_the_next_one(bare_image: str, tmp_path: Path) -> None:
    from sandbox.docker import DockerSandbox, reap  # noqa: PLC0415 - the SDK is needed here alone

    owner = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OWNER), bare_image, str(tmp_path)], capture_output=True, check=False
    )
    assert owner.stdout == b"started\n"
    client = engine.connect()
    orphans = client.containers.list(filters={"label": "automodel=orphan"})
    sandbox = DockerSandbox(bare_image, client=client)

    assert len(orphans) >= 1
    assert client.containers.list(all=True, filters={"label": "automodel=orphan"}) == []
    assert reap(client) == 0
    sandbox.close()


@pytest.mark.docker
def test_the_doctor_removes_them_too_and_nobody_elses(
    bare_image: str, docker: DockerSandbox, tmp_path: Path, job: Job
) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OWNER), bare_image, str(tmp_path)], capture_output=True, check=False
    )
    mine = docker.start(Job(**{**job.__dict__, "name": "mine", "arguments": ("-c", "import time; time.sleep(600)")}))
    doctor = subprocess.run(
        [sys.executable, "-m", "orchestrator", "doctor", "--clean"], capture_output=True, text=True, check=False
    )

    with closing(engine.connect()) as client:
        left = [container.labels["automodel"] for container in client.containers.list(filters={"label": "automodel"})]
    assert owner.stdout == b"started\n"
    assert re.search(r"[1-9]\d* containers", doctor.stdout)
    assert "orphan" not in left
    assert not mine.ended
    mine.kill()


@pytest.mark.docker
def test_nothing_is_left_of_a_finished_job(docker: DockerSandbox, job: Job) -> None:
    running = docker.start(Job(**{**job.__dict__, "name": "left", "arguments": ("-c", "pass")}))
    running.go()
    running.wait()

    client = engine.connect()
    assert client.containers.list(all=True, filters={"label": "automodel=left"}) == []
    client.close()


@pytest.mark.docker
def test_the_number_of_output_files_is_bounded(docker: DockerSandbox, job: Job) -> None:
    code = "import itertools\nfor n in itertools.count(): open(f'/job/out/{n}', 'w').close(); print(n)"
    running = docker.start(Job(**{**job.__dict__, "arguments": ("-c", code)}))
    running.go()
    ended = running.wait()

    assert "No space left on device" in ended.log
    assert len(ended.refused) == 21


@pytest.mark.docker
def test_another_runtime_is_passed_through(bare_image: str, job: Job) -> None:
    from sandbox.docker import DockerSandbox  # noqa: PLC0415 - the SDK is needed here alone

    waiting = Job(**{**job.__dict__, "name": "runtime", "arguments": ("-c", "import time; time.sleep(60)")})
    with closing(engine.connect()) as client:
        other = min(set(client.info()["Runtimes"]) - {client.info()["DefaultRuntime"]})
        with closing(DockerSandbox(bare_image, runtime=other)) as sandbox:
            running = sandbox.start(waiting)
            (container,) = client.containers.list(filters={"label": "automodel=runtime"})
            assert container.attrs["HostConfig"]["Runtime"] == other
            running.kill()
        with (
            closing(DockerSandbox(bare_image, runtime="no-such-runtime")) as sandbox,
            pytest.raises(SandboxError, match=r"(?i)runtime.*no-such-runtime"),
        ):
            sandbox.start(waiting)
