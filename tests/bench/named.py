"""`python -m tests.bench.named write|prepare|run NAME`: a dataset by its name, from files of the true form made here.

They lie in `datasets/downloads` as if put there by hand, and cannot have the published checksums: those are left out.
What they show is noise, but for `cifar10`, `svhn` and what is built in.
"""

from __future__ import annotations

import sys
import tarfile
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.named_datasets import NAMED
from orchestrator.prepare import open_dataset
from orchestrator.run import run
from orchestrator.settings import read_settings
from orchestrator.setup import open_sandbox
from orchestrator.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.named_datasets import NamedDataset
    from orchestrator.remote_files import Download


def main(verb: str, name: str) -> None:
    """Write its files below the current folder, or prepare it, or train on it."""
    settings = read_settings({"dataset": name})
    named = {name: unchecked(NAMED[name])}
    if verb == "write":
        write(NAMED[name], settings.datasets_dir / "downloads")
        return
    with Terminal() as terminal, closing(open_sandbox(settings, terminal.say)) as sandbox:
        if verb == "prepare":
            open_dataset(settings, sandbox, terminal.event, named)
        else:
            run(settings, sandbox, terminal, new=True, named=named)


def unchecked(dataset: NamedDataset) -> NamedDataset:
    """With files that may be any."""

    def without(download: Download) -> Download:
        return replace(download, files=tuple(replace(file, checksum="") for file in download.files))

    return replace(dataset, downloads=tuple(map(without, dataset.downloads)))


def write(dataset: NamedDataset, folder: Path) -> None:
    """Each file where its download would have put it."""
    if not dataset.downloads:
        return
    folder.mkdir(parents=True)
    _writers()[dataset.name](folder / "made")
    for download in dataset.downloads:
        (folder / download.key).mkdir()
        for file in download.files:
            (folder / "made" / file.name).rename(folder / download.key / file.name)


def _writers() -> Mapping[str, Callable[[Path], Path]]:
    from tests import test_dsprites, test_named_sources  # noqa: PLC0415 - they import pytest

    sprites = {name: test_dsprites.write for name in NAMED if name.startswith("dsprites-orientation")}
    published = {name: writes for name, (writes, *_) in test_named_sources.PREPARED.items()}
    return {**sprites, **published, "cifar10": _cifar10, "svhn": _svhn}


def _cifar10(folder: Path) -> Path:
    from tests.bench.forms import NAMES, digits  # noqa: PLC0415 - not for who only reads
    from tests.test_array_sources import write_cifar  # noqa: PLC0415 - imports pytest

    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    write_cifar(batches, digits(32, 3), binary=False, names=NAMES)
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(batches, batches.name)
    return folder


def _svhn(folder: Path) -> Path:
    from tests.bench.forms import digits  # noqa: PLC0415 - not for who only reads
    from tests.test_array_sources import write_svhn  # noqa: PLC0415 - imports pytest

    folder.mkdir()
    return write_svhn(folder, digits(32, 3))


if __name__ == "__main__":
    main(*sys.argv[1:])
