"""Have somebody's file of weights made what timm reads from its cache: converted, and looked at, in the sandbox."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator.custody import file_checksum
from orchestrator.errors import AutoModelError
from orchestrator.growing import growing_folder
from orchestrator.weights import CONFIG, CONFIG_BYTES, MODEL, are_whole, keep, open_folder
from sandbox.base import MIB, Job, Limits, Verdict, run_job

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.settings import Settings
    from orchestrator.weights import Kept
    from sandbox.base import Ended, Sandbox

SECONDS = 3600.0
RESULT = "result.json"
LARGEST = 64 << 30
"""Bytes of a file; timm has none of half that size."""
WANTED = {CONFIG: CONFIG_BYTES, RESULT: 64 << 10}


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a file."""

    kept: Kept
    head: bool
    """Whether its last layer fitted, too; where it did not, a new one stands in."""


def import_weights(file: Path, name: str, settings: Settings, sandbox: Sandbox) -> Imported:
    """Convert a file of weights to those of an exact timm name, and keep them.

    Raises:
        AutoModelError: it cannot become these weights.
        SandboxError: the sandbox failed.
    """
    if not file.is_file():
        raise AutoModelError(f"{file} is no file: name one of .safetensors, .pth, .pt, .bin or .npz.")
    folder, size = open_folder(settings.weights_dir.resolve()), file.stat().st_size
    if size > LARGEST:
        raise AutoModelError(f"{file} is larger than {LARGEST >> 30} GiB: give the weights alone.")
    with growing_folder(folder) as place:
        job = _job(name, place, size, settings)
        for part in (job.input, job.output):
            part.mkdir()
            part.chmod(0o755)
        shutil.copyfile(file, job.input / "weights")
        ended = run_job(sandbox, job)
        head = _read_result(ended, file, name)
        files = {called: ended.files[called] for called in (CONFIG, MODEL) if called in ended.files}
        if len(files) < 2 or not are_whole(files):
            raise AutoModelError(f"{file} could not be converted to {name}: what came out of the sandbox is not whole.")
        revision = file_checksum(files[MODEL])[:40]
        return Imported(kept=keep(name, revision, files, folder), head=head)


def _job(name: str, place: Path, size: int, settings: Settings) -> Job:
    """Untrusted, as all that reads a stranger's file: no network, nothing writable, another uid."""
    output = 2 * size + 512 * MIB  # half precision becomes single, and a last layer may be added
    return Job(
        name="weights",
        arguments=("-m", "harness.pretrained.convert", f"--name={name}"),
        input=place / "input",
        output=place / "output",
        limits=Limits(seconds=SECONDS, memory=settings.job_memory(), cpus=settings.job_cores(), output=output),
        wanted={MODEL: output, **WANTED},
    )


def _read_result(ended: Ended, file: Path, name: str) -> bool:
    """Whether the last layer was kept.

    Raises:
        AutoModelError: it was not converted.
    """
    try:
        result = json.loads(ended.files[RESULT].read_bytes())
        error, head = str(result.get("error", "")), result.get("head") is True
    except (KeyError, ValueError, OSError, AttributeError, RecursionError):
        error, head = _stopped(ended), False
    if error:
        raise AutoModelError(f"{file} cannot be imported as {name}: {printable(error)[:1000].rstrip('.')}.")
    return head


def _stopped(ended: Ended) -> str:
    if ended.verdict is Verdict.OUT_OF_MEMORY:
        return "reading it took too much memory (SANDBOX_MEMORY)"
    last = ended.log.strip().rpartition("\n")[2][:300]
    return f"the conversion ended early ({ended.verdict}): {last or 'it said nothing'}"
