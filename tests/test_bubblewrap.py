"""What the embedded sandbox does in its own way: a world out of bind mounts, and groups that may be missing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import cgroup, memory
from sandbox.base import Job, Limits
from sandbox.bubblewrap import find_bwrap
from sandbox.namespace import bwrap_arguments, hide_passwords, python_folders
from tests.sandboxes import own_groups

if TYPE_CHECKING:
    from sandbox.bubblewrap import BubblewrapSandbox

MARK = b"an orphan sleeps here"
PROGRAM = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # {MARK.decode()}"], start_new_session=True)
open("/job/out/events.jsonl", "w").write('{{"kind": "phase"}}' + chr(10))
time.sleep(600)
"""
OWNER = """
import os, sys
from pathlib import Path
from sandbox.base import Job, Limits
from sandbox.bubblewrap import BubblewrapSandbox

def die(event):
    print("began", flush=True)
    os.kill(os.getpid(), 9)

folder = Path(sys.argv[1])
job = Job(name="orphan", arguments=("-c", sys.argv[2]), input=folder, output=folder, limits=Limits(seconds=600))
BubblewrapSandbox().start(job, die).wait()
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    tmp_path.chmod(0o755)
    return Job(name="fit", arguments=(), input=tmp_path, output=tmp_path, limits=Limits(seconds=60))


def test_an_ordinary_user_gets_a_user_namespace_in_which_no_other_can_be_made(job: Job) -> None:
    arguments = bwrap_arguments(job, root=False, seccomp=9, info=8)

    assert {"--unshare-user", "--disable-userns", "--unshare-net", "--unshare-pid", "--as-pid-1"} <= set(arguments)
    assert "--cap-add" not in arguments


def test_root_keeps_only_what_it_takes_to_become_somebody_else(job: Job) -> None:
    arguments = bwrap_arguments(job, root=True, seccomp=9, info=8)

    added = [arguments[at + 1] for at, word in enumerate(arguments) if word == "--cap-add"]
    assert added == ["CAP_SETUID", "CAP_SETGID"]


def test_only_the_interpreter_the_system_and_the_mounts_are_seen(job: Job) -> None:
    arguments = bwrap_arguments(job, root=True, seccomp=9, info=8)

    seen = {arguments[at + 2] for at, word in enumerate(arguments) if word == "--ro-bind"}
    ours = {"/opt/automodel/harness", "/opt/automodel/pid1.py", "/job/input"}
    covered = {*hide_passwords((*python_folders(), "/usr", "/usr/local"))}
    assert seen <= {"/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", *python_folders(), *ours, *covered}
    assert "--bind" not in arguments


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("bubblewrap")
def test_logins_beside_a_python_are_covered(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://me:secret@example.org/simple\n")
    bwrap = [str(find_bwrap()), "--ro-bind", "/", "/", *hide_passwords([str(tmp_path)])]

    shown = subprocess.run([*bwrap, "cat", str(tmp_path / "pip.conf")], capture_output=True, text=True, check=False)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert "Permission denied" in shown.stderr


@pytest.mark.bubblewrap
def test_memory_that_no_process_maps_is_not_to_be_had(bubblewrap: BubblewrapSandbox, job: Job) -> None:
    calls = "libc.memfd_create(b'x', 0), libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600)"
    code = f"import ctypes\nlibc = ctypes.CDLL(None)\nprint({calls})"
    running = bubblewrap.start(Job(**{**job.__dict__, "arguments": ("-c", code)}))
    running.go()

    assert running.wait().log == "-1 -1 -1\n"


@pytest.mark.bubblewrap
@pytest.mark.parametrize("network", [False, True])
def test_a_job_is_on_the_hosts_network_if_it_asks_for_it(
    bubblewrap: BubblewrapSandbox, job: Job, *, network: bool
) -> None:
    code = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
    running = bubblewrap.start(Job(**{**job.__dict__, "arguments": ("-c", code), "network": network}))
    running.go()

    assert (running.wait().log == f"{Path('/proc/self/ns/net').stat().st_ino}\n") is network


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("bubblewrap")
def test_a_job_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", OWNER, str(tmp_path), PROGRAM], capture_output=True, text=True, check=False
    )

    assert result.stdout == "began\n", result.stderr
    give_up = time.monotonic() + 10
    while [line for line in processes() if MARK in line] and time.monotonic() < give_up:
        time.sleep(0.01)
    assert [line for line in processes() if MARK in line] == []


@pytest.mark.bubblewrap
def test_no_group_is_left_of_a_finished_job(bubblewrap: BubblewrapSandbox, job: Job) -> None:
    running = bubblewrap.start(Job(**{**job.__dict__, "arguments": ("-c", "pass")}))
    running.go()
    running.wait()

    assert own_groups() == set()


def test_groups_of_dead_owners_are_removed() -> None:
    group = cgroup.create(64 << 20, 8)
    if group is None:
        pytest.skip("this kernel lets us make no control group")
    cgroup.reap()
    assert all(folder.exists() for folder in group.folders)
    orphans = [folder.with_name("automodel_no:1:1_x") for folder in group.folders]
    for folder in orphans:
        folder.mkdir()
    cgroup.reap()
    group.remove()

    assert [folder for folder in (*orphans, *group.folders) if folder.exists()] == []


def test_a_process_tree_is_found_and_weighed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(b'x' * (64 << 20)); input()"], stdin=subprocess.PIPE
    ) as child:
        while memory.held(child.pid) < 64 << 20 and child.poll() is None:
            time.sleep(0.01)
        found = list(memory.tree(os.getpid()))
        child.communicate(b"\n")

    assert child.pid in found
    assert memory.held(child.pid) == 0


def test_a_process_that_hides_and_has_an_odd_name_is_weighed() -> None:
    hide = "import ctypes; libc = ctypes.CDLL(None); libc.prctl(4, 0, 0, 0, 0); libc.prctl(15, b'\\xff', 0, 0, 0)"
    holds = f"{hide}; x = bytearray(b'x' * (64 << 20)); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        held = memory.held(child.pid)
        child.communicate(b"\n")

    assert held > 64 << 20


def test_without_a_group_the_heaviest_of_a_tree_is_killed_at_the_limit() -> None:
    tree = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"
    takes = "x = bytearray(b'x' * (256 << 20)); import time; time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", tree, takes], stdout=subprocess.PIPE, text=True) as root:
        watch = memory.MemoryWatch(root.pid, 128 << 20)
        told, _ = root.communicate()
        watch.stop()

    assert told == "-9\n"
    assert watch.kills > 0


def processes() -> list[bytes]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes())
    return lines
