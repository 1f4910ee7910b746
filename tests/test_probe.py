"""The probe finds each limit that was broken on purpose, in both sandboxes, and refuses until that is accepted."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import probe_program
from sandbox.base import WEAK_NAMES, SandboxError, Verdict
from sandbox.bubblewrap import BubblewrapSandbox, find_bwrap
from sandbox.environment import UID
from sandbox.probe import LIMITS, find_weaknesses, require
from tests.fakes import ScriptedJob, ScriptedSandbox

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.base import Sandbox

WRAPPER = """#!{python} -IS
import os, sys
words, escape = sys.argv[1:], {escape}
for gone in {gone}:
    for place in reversed(range(len(words))):
        if words[place : place + len(gone)] == gone or gone == words[place : place + 1] + ["*"]:
            del words[place : place + len(gone)]
for path in escape:
    if os.path.exists(path):
        open(path, "w").write(str(os.getpid()))
os.execv({bwrap!r}, [{bwrap!r}, *words])
"""
GROUPS = [f"/sys/fs/cgroup/{part}cgroup.procs" for part in ("memory/", "pids/", "")]
WRAPPERS: dict[str, tuple[list[list[str]], list[str]]] = {
    "network": ([["--unshare-net"]], []),
    "seccomp": ([["--seccomp", "*"]], []),
    "read-only": ([["--remount-ro", "/"]], []),
    "disk": ([["--size", "*"]], []),
    "memory": ([], GROUPS),
    "processes": ([], GROUPS),
}
OPEN_TMPFS = f"rw,size=64m,mode=0700,uid={UID},gid={UID}"
CHANGES: dict[str, dict[str, Any]] = {
    "memory": {"HostConfig": {"Memory": 0, "MemorySwap": 0}},
    "swap": {"HostConfig": {"MemorySwap": -1}},
    "processes": {"HostConfig": {"PidsLimit": 0}},
    "network": {"HostConfig": {"NetworkMode": "bridge"}},
    "seccomp": {"HostConfig": {"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"]}},
    "read-only": {"HostConfig": {"ReadonlyRootfs": False}},
    "privileges": {"User": "0:0", "HostConfig": {"CapDrop": []}},
    "disk": {"HostConfig": {"Tmpfs": {"/tmp": OPEN_TMPFS, "/job/out": OPEN_TMPFS}}},
}


@pytest.mark.parametrize("backend", [pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("docker", "bubblewrap")])
def test_a_sandbox_that_holds_passes_and_nothing_is_left(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
) -> None:
    sandbox: Sandbox = request.getfixturevalue(backend)

    assert require(sandbox, tmp_path / "probe", ()) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.bubblewrap
@pytest.mark.skipif(os.geteuid() != 0, reason="only root leaves a control group, and sees one made for a job")
@pytest.mark.parametrize("broken", WRAPPERS)
def test_a_bwrap_that_leaves_something_out_is_refused(
    bubblewrap: BubblewrapSandbox,  # noqa: ARG001 - skips where there is none
    tmp_path: Path,
    broken: str,
) -> None:
    gone, escape = WRAPPERS[broken]
    wrapper = tmp_path / "bwrap"
    wrapper.write_text(WRAPPER.format(python=sys.executable, gone=gone, escape=escape, bwrap=str(find_bwrap())))
    wrapper.chmod(0o755)

    with closing(BubblewrapSandbox(wrapper)) as sandbox:
        with pytest.raises(SandboxError, match=rf"SANDBOX_ALLOW_WEAK=.*{broken}"):
            require(sandbox, tmp_path / "probe", ())
        assert broken in require(sandbox, tmp_path / "probe", WEAK_NAMES)


@pytest.mark.docker
@pytest.mark.parametrize("broken", CHANGES)
def test_an_engine_that_drops_a_limit_is_refused(bare_image: str, tmp_path: Path, broken: str) -> None:
    from sandbox.docker import DockerSandbox  # noqa: PLC0415 - the SDK is needed here alone
    from tests.broken_engine import broken_engine  # noqa: PLC0415

    with broken_engine(tmp_path, CHANGES[broken]) as client:
        sandbox = DockerSandbox(bare_image, client=client)
        with closing(sandbox), pytest.raises(SandboxError, match=rf"SANDBOX_ALLOW_WEAK=.*{broken}"):
            require(sandbox, tmp_path / "probe", ())
        if broken == "swap":  # without swap there is nothing to be seen inside
            return
        with closing(DockerSandbox(bare_image, client=client, accepted=WEAK_NAMES)) as sandbox:
            assert broken in {weakness.name for weakness in find_weaknesses(sandbox, tmp_path / "probe")}


def test_what_a_sandbox_says_of_itself_is_refused_and_may_be_accepted(tmp_path: Path) -> None:
    held = [ScriptedJob(files={"found.json": b"{}"}), ScriptedJob(status=137, log="", verdict=Verdict.KILLED)]
    sandbox = ScriptedSandbox({"probe": held * 2}, weak=("swap",))

    with pytest.raises(SandboxError, match=r"\(swap: the script says so\).*SANDBOX_ALLOW_WEAK=swap"):
        require(sandbox, tmp_path / "probe", {"memory"})
    assert require(sandbox, tmp_path / "probe", {"swap"}) == ("swap",)


def test_a_probe_that_cannot_run_says_why(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"probe": [ScriptedJob(status=127, log="no python\n"), ScriptedJob()]})

    with pytest.raises(SandboxError, match=r"status 127\): no python"):
        require(sandbox, tmp_path / "probe", WEAK_NAMES)
    assert sandbox.alive == 0


def test_the_program_in_the_sandbox_knows_its_limits() -> None:
    assert probe_program.UID == UID
    assert 3 * LIMITS.memory == probe_program.MEMORY
    assert max(LIMITS.output, LIMITS.scratch, LIMITS.shm) < probe_program.MOST_BYTES
    assert LIMITS.pids < probe_program.MOST_PROCESSES
