"""Tiny ImageNet: a folder of images for each class, named by a WordNet number, and the labels of val/ in a table.

The images of test/ have no labels, and are left in the archive.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from harness.names import EXTENSIONS
from harness.sources.folders import Folders
from harness.sources.paths import Paths
from harness.sources.source import SKIPPED, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.sources.download import Download

FILE = "tiny-imagenet-200.zip"
TRAIN, VALIDATION = SPLITS.index("train"), SPLITS.index("validation")
SHOWS = (
    "Photos of objects, animals and scenes, 64 x 64 pixels, most in colour, of 200 of ImageNet's classes (Tiny "
    "ImageNet). The test images are its validation images: labels of its own test images were never published."
)
LICENCE = "ImageNet's terms: non-commercial research and education"


def open_tiny_imagenet(download: Download) -> Folders:
    """Unpack it, and put the images of val/ into the validation split.

    Raises:
        UnusableDatasetError: the archive is missing or broken, or lacks a file.
    """
    root = download.unpacked(FILE, lambda name: "test" not in PurePosixPath(name).parts[:-1])
    numbers = sorted({line.strip() for line in _lines(root, "wnids.txt") if line.strip()})
    shown = _validation(root, numbers)
    files, counts = Paths(), []
    for number in numbers:
        folder = f"train/{number}/images"
        names = sorted(path.name for path in (root / folder).glob("*") if path.suffix.lower() in EXTENSIONS)
        counts.append(files.extend(folder, names))
    files.extend("val/images", [name for name, _ in shown])
    return Folders(
        root=root,
        classes=_names(root, numbers),
        files=files,
        labels=np.array([*np.repeat(np.arange(len(numbers)), counts), *(label for _, label in shown)], np.int64),
        given=np.repeat(np.array([TRAIN, VALIDATION], np.int8), [sum(counts), len(shown)]),
        skipped=dict.fromkeys(SKIPPED, 0),
        skipped_extensions={},
        description=SHOWS,
        licence=LICENCE,
    )


def _validation(root: Path, numbers: Sequence[str]) -> list[tuple[str, int]]:
    """Each file of val/images with its label."""
    labels = {number: label for label, number in enumerate(numbers)}
    table, shown = "val/val_annotations.txt", {}
    for row, line in enumerate(_lines(root, table), start=1):
        name, _, rest = line.partition("\t")
        number = rest.partition("\t")[0].strip()
        if number not in labels or not name or "/" in name:
            raise UnusableDatasetError(
                f"Row {row} of {table!r} in {FILE!r} names no file and class of wnids.txt ({line[:60]!r}): mend it."
            )
        shown[name] = labels[number]
    return list(shown.items())


def _names(root: Path, numbers: Sequence[str]) -> tuple[str, ...]:
    """What people call each class: its first name, or all of them, or with its number, until no two are the same."""
    words = dict(line.split("\t", 1) for line in _lines(root, "words.txt") if "\t" in line)
    whole = [words.get(number, number).strip() for number in numbers]
    names = [name.partition(",")[0] for name in whole]
    names = [name if count == 1 else long for name, long, count in zip(names, whole, _counts(names), strict=True)]
    return tuple(
        name if count == 1 else f"{name} ({number})"
        for name, number, count in zip(names, numbers, _counts(names), strict=True)
    )


def _counts(names: Sequence[str]) -> list[int]:
    counted = Counter(names)
    return [counted[name] for name in names]


def _lines(root: Path, name: str) -> list[str]:
    try:
        return (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise UnusableDatasetError(f"{FILE!r} lacks {name!r}: get it again.") from None
