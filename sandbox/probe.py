"""Does this sandbox hold? Small programs try its limits before generated code runs in it for the first time.

Nothing is believed of an engine that can be tried: engines drop limits in silence (rootless ones, old kernels).
Not covered: escapes through the kernel, the runtime or a GPU's driver.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.base import MIB, WEAK_NAMES, Job, Limits, SandboxError, Verdict, Weakness

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.base import Ended, Running, Sandbox

PROGRAM = Path(__file__).with_name("probe_program.py")
FOUND = "found.json"
FOUND_BYTES = 16 << 10
LIMITS = Limits(
    seconds=30,
    memory=128 * MIB,
    pids=32,
    cpus=1.0,
    shm=8 * MIB,
    scratch=8 * MIB,
    output=8 * MIB,
    files=64,
    log=64 << 10,
)


def require(sandbox: Sandbox, folder: Path, accepted: Collection[str]) -> tuple[str, ...]:
    """Names of what this sandbox cannot enforce, all of it accepted; `folder`: for the programs' files, to be made.

    Raises:
        SandboxError: something is not enforced that was not accepted, or nothing can run here.
    """
    found = find_weaknesses(sandbox, folder)
    refused = [weakness for weakness in found if weakness.name not in accepted]
    if refused:
        names = ",".join(dict.fromkeys(weakness.name for weakness in refused))
        reasons = "; ".join(f"{weakness.name}: {weakness.why}" for weakness in refused)
        raise SandboxError(
            f"The sandbox {sandbox.name} does not hold ({reasons}): mend it, or take the risk with "
            f"SANDBOX_ALLOW_WEAK={names}."
        )
    return tuple(dict.fromkeys(weakness.name for weakness in found))


def find_weaknesses(sandbox: Sandbox, folder: Path) -> list[Weakness]:
    """What this sandbox does not enforce: what it says of itself, and what two programs found in it.

    Raises:
        SandboxError: nothing can run here.
    """
    with ExitStack() as leaving:
        leaving.callback(shutil.rmtree, folder, ignore_errors=True)
        looking, eating = (_start(sandbox, folder / part, part, leaving) for part in ("look", "eat"))
        return [*sandbox.weaknesses(), *_seen(looking.wait()), *_eaten(eating.wait())]


def _start(sandbox: Sandbox, folder: Path, part: str, leaving: ExitStack) -> Running:
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o755)
    shutil.copyfile(PROGRAM, folder / "input" / PROGRAM.name)
    job = Job(
        name="probe",
        arguments=(f"/job/input/{PROGRAM.name}", part),
        input=folder / "input",
        output=folder / "output",
        limits=LIMITS,
        wanted={FOUND: FOUND_BYTES},
    )
    running = sandbox.start(job)
    leaving.callback(running.kill)
    running.go()
    return running


def _seen(ended: Ended) -> list[Weakness]:
    if ended.verdict is not Verdict.FINISHED or ended.status or FOUND not in ended.files:
        last = ended.log.strip().rpartition("\n")[2][:300]
        raise SandboxError(f"The probe of the sandbox failed ({ended.verdict}, status {ended.status}): {last}")
    found = json.loads(ended.files[FOUND].read_bytes())
    return [Weakness(name, found[name]) for name in WEAK_NAMES if name in found]


def _eaten(ended: Ended) -> list[Weakness]:
    if ended.verdict in (Verdict.OUT_OF_MEMORY, Verdict.KILLED):
        return []
    return [Weakness("memory", f"a program of three times {LIMITS.memory // MIB} MiB was not killed")]
