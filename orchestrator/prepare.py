"""Have a dataset prepared: by our own code, in the sandbox, once.

A prepared folder is named after what it was made from and is never replaced: a run reads its hidden labels to the end.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.dataset import Dataset
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.growing import growing_folder
from sandbox.base import Job, Limits, Mount, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.report import Event
    from orchestrator.settings import Settings
    from sandbox.base import Ended, Sandbox

BUILT_IN = ("digits",)
SOURCE = "/source"
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""As in harness/sources/rows.py: files that name images beside or below them."""
HOURS = 12
"""A million photos take about six on two cores."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a dataset comes from."""

    given: str
    """As the user wrote it."""
    place: Path | None
    """A folder or a file; None for a built-in dataset."""

    @property
    def whole(self) -> Path | None:
        """The place with all that belongs to it: of a table the folder that it lies in."""
        is_table = self.place and self.place.is_file() and self.place.suffix.lower() in TABLES
        return self.place.parent if self.place and is_table else self.place

    @property
    def name(self) -> str:
        """What the dataset is called: a path's last part, with six digits of the whole path."""
        if self.place is None:
            return self.given
        slug = re.sub(r"[^a-z0-9]+", "-", self.place.name.lower()).strip("-")[:40] or "folder"
        return f"{slug}-{hashlib.sha256(os.fsencode(self.place)).hexdigest()[:6]}"

    def fingerprint(self, settings: Settings) -> str:
        """It changes with every file added, removed or written, and with the settings that shape a dataset."""
        named = (settings.dataset_file_column, settings.dataset_label_column, settings.dataset_group_column)
        columns = " ".join(map(repr, named))
        shape = f"2 {settings.dataset_seed} {settings.dataset_max_side} {columns} {settings.dataset_info}"
        digest = hashlib.sha256(shape.encode())
        for path in self._files():
            status = os.lstat(path)
            digest.update(os.fsencode(path) + f" {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _files(self) -> Iterator[str]:
        if self.whole and self.whole.is_file():
            yield str(self.whole)
        for folder, folders, files in os.walk(self.whole) if self.whole else ():
            folders.sort()
            yield from (os.path.join(folder, name) for name in sorted(files))  # noqa: PTH118 - 100,000 Paths take seconds

    @property
    def target(self) -> str:
        """Where the job that prepares sees it: a file keeps its name, which errors speak of."""
        if self.place is None:
            return self.given
        return f"{SOURCE}/{self.place.name}" if self.place.is_file() else SOURCE

    @property
    def mounted(self) -> str:
        """Where that job sees the whole."""
        return self.target if self.whole == self.place else SOURCE


def find_origin(dataset: str) -> Origin:
    """What the user means by DATASET.

    Raises:
        DatasetError: it is neither a built-in name nor a folder or file.
    """
    if dataset in BUILT_IN:
        return Origin(given=dataset, place=None)
    path = Path(dataset).expanduser()
    if not path.is_dir() and not path.is_file():
        raise DatasetError(
            f"{dataset} is neither a built-in dataset ({', '.join(BUILT_IN)}) nor a folder or file: "
            "name a folder with one sub-folder of images for each class."
        )
    return Origin(given=dataset, place=path.resolve())


def open_dataset(settings: Settings, sandbox: Sandbox, on_event: Callable[[Event], None] | None = None) -> Dataset:
    """The prepared dataset that the settings name; prepared now if it is new, its folder changed or the settings did.

    Raises:
        DatasetError: it cannot be used; the sentence names the file.
        AutoModelError: preparing it failed, for want of disk, memory or time for one.
        SandboxError: the sandbox failed.
    """
    origin = find_origin(settings.dataset)
    fingerprint = origin.fingerprint(settings)
    folder = settings.datasets_dir.resolve() / f"{origin.name}-{fingerprint[:8]}"
    if not folder.exists():
        with growing_folder(folder.parent) as partial:
            made = _prepare(_job(settings, origin, fingerprint, partial), sandbox, on_event)
            Dataset(made)  # what is not whole must not get the name
            _rename(made, folder)
    return Dataset(folder)


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
        "--description": settings.dataset_info,
        "--file-column": settings.dataset_file_column,
        "--label-column": settings.dataset_label_column,
        "--group-column": settings.dataset_group_column,
        "--fingerprint": fingerprint,
    }
    made = Mount(source=partial / "dataset", target="/job/dataset", writable=True)
    source = (Mount(source=origin.whole, target=origin.mounted),) if origin.whole else ()
    return Job(
        name="prepare",
        arguments=("-m", "harness.prepare", *(f"{key}={value}" for key, value in options.items())),
        input=partial / "input",
        output=partial / "output",
        limits=Limits(seconds=HOURS * 3600, memory=settings.job_memory(), cpus=settings.job_cores()),
        mounts=(made, *source),
        wanted={"error.txt": 16 << 10},
        trusted=True,
    )


def _prepare(job: Job, sandbox: Sandbox, on_event: Callable[[Event], None] | None) -> Path:
    made = job.mounts[0].source
    for path in (made, job.input, job.output):
        path.mkdir(parents=True)
    running = sandbox.start(job, on_event)
    try:
        running.go()
        _raise_failure(running.wait(), job)
    finally:
        running.kill()
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
