"""Where a dataset comes from: a name, a folder or a file; and how it is seen by the job that prepares it."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import DatasetError
from orchestrator.named_datasets import NAMED
from sandbox.base import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.named_datasets import NamedDataset
    from orchestrator.settings import Settings

SOURCE = "/source"
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""As in harness/sources/rows.py: files that name images beside or below them."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a dataset comes from."""

    given: str
    """As the user wrote it."""
    place: Path | None
    """A folder or a file; None for a dataset that has a name."""
    named: NamedDataset | None = None
    checksums: Sequence[tuple[str, str]] = ()
    """Name and checksum of each file that a named dataset is made of."""
    files: tuple[Path, ...] = ()
    """Those files, where they are needed."""

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
        shape = f"4 {settings.dataset_seed} {settings.dataset_max_side} {columns} {settings.dataset_info}"
        digest = hashlib.sha256(shape.encode())
        for name, checksum in self.checksums:
            digest.update(f"{name} {checksum}\n".encode())
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
    def mounts(self) -> tuple[Mount, ...]:
        """What the job that prepares sees: a folder, or files, which keep their names, as errors speak of them."""
        if self.whole and self.whole.is_dir():
            return (Mount(source=self.whole, target=SOURCE),)
        seen = (self.whole,) if self.whole else self.files
        return tuple(Mount(source=path, target=f"{SOURCE}/{path.name}") for path in seen)

    @property
    def target(self) -> str:
        """What that job opens: the place or a file that is all there is, else the folder with the files."""
        if self.place:
            return f"{SOURCE}/{self.place.name}" if self.place.is_file() else SOURCE
        if len(self.files) == 1 and not self.reader:
            return f"{SOURCE}/{self.files[0].name}"
        return SOURCE if self.files else self.given

    @property
    def reader(self) -> str:
        return self.named.reader if self.named else ""


def find_origin(dataset: str, named: Mapping[str, NamedDataset] = NAMED) -> Origin:
    """What the user means by DATASET: a name goes before a folder in the current one that is called so.

    Raises:
        DatasetError: it is neither a known name nor a folder or file.
    """
    if dataset in named:
        return Origin(given=dataset, place=None, named=named[dataset])
    path = Path(dataset).expanduser()
    if not dataset or (not os.path.isdir(path) and not os.path.isfile(path)):  # noqa: PTH112, PTH113 - a Path raises for odd ones
        near = difflib.get_close_matches(dataset.lower(), named, n=1)
        raise DatasetError(
            f"{dataset} is neither the name of a dataset ({f'did you mean {near[0]}? ' if near else ''}`automodel "
            "datasets` lists them) nor a folder or file: name a folder with one sub-folder of images for each class."
        )
    return Origin(given=dataset, place=path.resolve())
