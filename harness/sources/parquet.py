"""Parquet files of images and labels, as the Hugging Face hub has them.

Images are asked for in any order, and a row group of them is compressed as a whole: it would be decoded again for every
image. So their bytes are copied once, a few at a time, end to end into a scratch file, from which any thread reads.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.placed_file import PlacedFile
from harness.sources.copied import Copied, called
from harness.sources.features import find_features
from harness.sources.shards import SUFFIX, find_files, find_shards, has_images
from harness.sources.source import SKIPPED, SPLITS, UnusableDatasetError
from harness.sources.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Parquet:
    """Implements `source.Source`."""

    images: PlacedFile
    """All of them, end to end."""
    offsets: NDArray[np.int64]
    """(N + 1,): where each begins, and where the last ends."""
    files: Sequence[str]
    firsts: Sequence[int]
    """Number of each file's first image."""
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    groups: NDArray[np.int32] | None
    description: str
    licence: str
    unlabelled: None = None
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)

    def read(self, index: int) -> bytes:
        start, end = self.offsets[index : index + 2].tolist()
        return self.images.read(start, end - start)

    def where(self, index: int) -> str:
        number = bisect(self.firsts, index) - 1
        return called(self.files[number], index - self.firsts[number])


def find_parquet(folder: Path, columns: Columns, scratch: Path) -> Parquet | None:
    """Open the parquet files of a folder, at any depth; None where there are none, or none of images but image files.

    `scratch`: a folder to be made.

    Raises:
        UnusableDatasetError: they cannot be used.
        OSError: there is no room.
    """
    first = next(find_files(folder, SUFFIX), None)
    if first is None or (not columns.file and has_images(folder) and not _holds_images(folder / first)):
        return None
    return _open(folder, find_shards(folder), columns, scratch)


def open_parquet(path: Path, columns: Columns, scratch: Path) -> Parquet:
    """Open a single file, whatever split it is called.

    Raises:
        UnusableDatasetError: it cannot be used.
        OSError: there is no room.
    """
    return _open(path.parent, {path.name: "train"}, columns, scratch)


def _holds_images(path: Path) -> bool:
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        return find_features(read_schema(path), Columns(), path.name) is not None
    except UnusableDatasetError:
        return True
    except (ArrowException, OSError):
        return False


def _open(root: Path, splits: Mapping[str, str], columns: Columns, scratch: Path) -> Parquet:
    scratch.mkdir()
    with (scratch / "images.bin").open("xb") as out:
        copied = Copied(root, columns, out)
        firsts = [copied.add(name) for name in splits]
    ends = [*firsts[1:], len(copied.numbers)]
    codes = [SPLITS.index(split) for split in splits.values()]
    features = copied.features
    classes, labels = copied.classes()
    return Parquet(
        images=PlacedFile(scratch / "images.bin"),
        offsets=np.asarray(copied.offsets),
        files=list(splits),
        firsts=firsts,
        classes=classes,
        labels=labels,
        given=np.repeat(np.array(codes, np.int8), np.subtract(ends, firsts)),
        groups=np.unique(copied.groups, return_inverse=True)[1].astype(np.int32) if features.group else None,
        description=features.description,
        licence=features.licence,
    )
