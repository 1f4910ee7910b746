"""What all sandboxes have in common about ending: everything ends, whatever fails or interrupts meanwhile."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from sandbox import pid1
from sandbox.base import Job, Limits, SandboxError, Verdict
from sandbox.running import Attendance
from tests.fakes import ScriptedContainer

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.running import Attended


def start(folder: Path, *containers: ScriptedContainer) -> tuple[Attendance, list[Attended]]:
    """One job in each of these containers."""
    waiting = iter(containers)
    jobs = Attendance(lambda _: next(waiting))
    job = Job(name="fit", arguments=(), input=folder, output=folder, limits=Limits(seconds=60))
    return jobs, [jobs.start(job, None) for _ in containers]


def gave_up() -> ScriptedContainer:
    """A container whose PID 1 waited too long for `go`."""
    last = json.dumps({"status": 137, "why": "idle", "oom": 0}).encode()
    return ScriptedContainer(says=pid1.HEADER.pack(pid1.END, len(last)) + last, lasts=False)


def fail() -> None:
    raise SandboxError("the engine refuses")


def interrupt() -> None:
    """As the user's Ctrl-C does, that hits the main thread wherever it is."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def test_closing_ends_every_job(tmp_path: Path) -> None:
    containers = [ScriptedContainer() for _ in range(3)]
    jobs, running = start(tmp_path, *containers)

    jobs.close()
    jobs.close()

    assert [container.removed for container in containers] == [True] * 3
    assert [job.wait().verdict for job in running] == [Verdict.CANCELLED] * 3


@pytest.mark.parametrize("broken", range(3))
def test_closing_goes_on_after_a_job_that_cannot_be_ended_and_says_so_at_its_end(tmp_path: Path, broken: int) -> None:
    containers = [ScriptedContainer(at_removal=fail if at == broken else lambda: None) for at in range(3)]
    jobs, _ = start(tmp_path, *containers)

    with pytest.raises(SandboxError, match="the engine refuses"):
        jobs.close()

    assert [container.removed for container in containers] == [at != broken for at in range(3)]


def test_an_interrupt_while_closing_waits_until_every_job_has_ended(tmp_path: Path) -> None:
    containers = [ScriptedContainer(at_removal=interrupt) for _ in range(3)]
    jobs, _ = start(tmp_path, *containers)

    with pytest.raises(KeyboardInterrupt):
        jobs.close()

    assert [container.removed for container in containers] == [True] * 3


def test_a_job_that_gave_up_is_removed_unasked_and_killing_it_is_harmless(tmp_path: Path) -> None:
    idle, other = gave_up(), ScriptedContainer()
    jobs, (job, _) = start(tmp_path, idle, other)

    with pytest.raises(SandboxError, match="gave up: idle"):
        job.wait()
    assert job.ended
    job.kill()
    jobs.close()

    assert (idle.removed, other.removed) == (True, True)


def test_a_container_is_removed_once_and_its_failure_told_to_whoever_waits(tmp_path: Path) -> None:
    tries = []

    def refuse() -> None:
        tries.append("removal")
        fail()

    jobs, (job,) = start(tmp_path, ScriptedContainer(at_removal=refuse))
    for end in (job.kill, job.wait):
        with pytest.raises(SandboxError, match="the engine refuses"):
            end()
    jobs.close()

    assert tries == ["removal"]


def test_a_disk_that_cannot_take_what_a_job_made_is_no_failure_of_the_sandbox(tmp_path: Path) -> None:
    file = json.dumps({"name": "report.json", "size": 1}).encode()
    container = ScriptedContainer(says=pid1.HEADER.pack(pid1.FILE, len(file)) + file)
    jobs = Attendance(lambda _: container)
    job = Job(
        name="fit",
        arguments=(),
        input=tmp_path,
        output=tmp_path / "gone",
        limits=Limits(seconds=60),
        wanted={"report.json": 10},
    )
    running = jobs.start(job, None)

    with pytest.raises(FileNotFoundError, match="gone"):
        running.wait()
    jobs.close()
