"""Have a dataset prepared: by our own code, in the sandbox, once.

A prepared folder is named after what it was made from and is never replaced: a run reads its hidden labels to the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dataset import Dataset
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.growing import growing_folder
from orchestrator.named_datasets import NAMED
from orchestrator.named_files import fetch_files, known_checksums, require_login
from orchestrator.origin import find_origin
from sandbox.base import Job, Limits, Mount, Verdict, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.report import Event
    from orchestrator.named_datasets import NamedDataset
    from orchestrator.origin import Origin
    from orchestrator.settings import Settings
    from sandbox.base import Ended, Sandbox

HOURS = 12
"""A million photos take about six on two cores."""


def check_dataset(settings: Settings) -> None:
    """Tell early, before anything is built, what could never be prepared.

    Raises:
        DatasetError: a misspelt name, or a competition on Kaggle without a login.
        SettingsError: the mirrors or the login make no sense.
    """
    if named := find_origin(settings.dataset).named:
        require_login(named, settings)


def open_dataset(
    settings: Settings,
    sandbox: Sandbox,
    on_event: Callable[[Event], None] | None = None,
    named: Mapping[str, NamedDataset] = NAMED,
) -> Dataset:
    """The prepared dataset that the settings name; prepared now if it is new, its folder changed or the settings did.

    Raises:
        DatasetError: it cannot be used or downloaded; the sentence names the file.
        AutoModelError: preparing it failed, for want of disk, memory or time for one.
        SandboxError: the sandbox failed.
    """
    origin = find_origin(settings.dataset, named)
    if origin.named:
        origin = _identify(origin, origin.named, settings, on_event)
    fingerprint = origin.fingerprint(settings)
    folder = settings.datasets_dir.resolve() / f"{origin.name}-{fingerprint[:8]}"
    if not folder.exists():
        if origin.named and not origin.files:
            origin = replace(origin, files=fetch_files(origin.named, settings, on_event))
        with growing_folder(folder.parent) as partial:
            made = _prepare(_job(settings, origin, fingerprint, partial), sandbox, on_event)
            Dataset(made)  # what is not whole must not get the name
            _rename(made, folder)
    return Dataset(folder)


def _identify(
    origin: Origin, named: NamedDataset, settings: Settings, on_event: Callable[[Event], None] | None
) -> Origin:
    """Find out what exactly it is made of; only what nobody knows yet has to be fetched for that."""
    if (known := known_checksums(named, settings)) is not None:
        return replace(origin, checksums=known)
    files = fetch_files(named, settings, on_event)
    return replace(origin, files=files, checksums=known_checksums(named, settings) or ())


def _rename(made: Path, folder: Path) -> None:
    """Give it its name, unless another process was first: what that made is the same."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _job(settings: Settings, origin: Origin, fingerprint: str, partial: Path) -> Job:
    options = {
        "--source": origin.target,
        "--origin": origin.given,
        "--name": origin.name,
        "--out": "/job/dataset",
        "--seed": str(settings.dataset_seed),
        "--max-side": str(settings.dataset_max_side),
        "--description": settings.dataset_info or (origin.named.description if origin.named else ""),
        "--licence": origin.named.licence if origin.named else "",
        "--file-column": settings.dataset_file_column,
        "--label-column": settings.dataset_label_column,
        "--group-column": settings.dataset_group_column,
        "--fingerprint": fingerprint,
        **({"--reader": origin.reader} if origin.reader else {}),
    }
    made = Mount(source=partial / "dataset", target="/job/dataset", writable=True)
    return Job(
        name="prepare",
        arguments=("-m", "harness.prepare", *(f"{key}={value}" for key, value in options.items())),
        input=partial / "input",
        output=partial / "output",
        limits=Limits(seconds=HOURS * 3600, memory=settings.job_memory(), cpus=settings.job_cores()),
        mounts=(made, *origin.mounts),
        wanted={"error.txt": 16 << 10},
        trusted=True,
    )


def _prepare(job: Job, sandbox: Sandbox, on_event: Callable[[Event], None] | None) -> Path:
    made = job.mounts[0].source
    for path in (made, job.input, job.output):
        path.mkdir(parents=True)
    _raise_failure(run_job(sandbox, job, on_event), job)
    return made


def _raise_failure(ended: Ended, job: Job) -> None:
    """Tell data that cannot be used from a machine that is too small, and both from what should not happen."""
    if ended.verdict is not Verdict.FINISHED:
        raise AutoModelError(_stopped(ended, job.limits))
    if not ended.status:
        return
    said = _text(ended.files.get("error.txt"))
    if said and ended.status == DatasetError.status:
        raise DatasetError(said)
    if said:
        place = job.mounts[0].source.parents[1]
        raise AutoModelError(f"{said.rstrip('.')}: make room in {place}, or name another place in DATASETS_DIR.")
    raise AutoModelError(f"Preparing the dataset failed (exit status {ended.status}): {_last_line(ended)}")


def _stopped(ended: Ended, limits: Limits) -> str:
    if ended.verdict is Verdict.DEADLINE:
        return (
            f"Preparing the dataset took more than {limits.seconds / 3600:.0f} hours and was ended: give a smaller one."
        )
    if ended.verdict is Verdict.OUT_OF_MEMORY:
        held = f"{limits.memory / (1 << 30):.1f} GiB"
        return f"Preparing the dataset took more than {held} of memory and was ended: raise SANDBOX_MEMORY."
    return f"Preparing the dataset was ended ({ended.verdict}): {_last_line(ended)}"


def _text(file: Path | None) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip() if file else ""


def _last_line(ended: Ended) -> str:
    return ended.log.strip().rpartition("\n")[2][:300] or "it said nothing; run the same command again."
