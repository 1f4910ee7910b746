"""CIFAR-10-C: CIFAR-10's test images, each spoilt by every corruption at five severities, an array for each corruption.

A dataset is one severity; of each image one corruption is drawn, with a seed, from the fifteen that results are given
for (four more are there to tune on).
"""

from __future__ import annotations

import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.cifar import find_cifar
from harness.sources.npy import open_rows
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.sources.download import Download
    from harness.sources.npy import Rows

FILE = "CIFAR-10-C.tar"
CLEAN = "cifar-10-python.tar.gz"
CORRUPTIONS = (
    "brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost", "gaussian_noise", "glass_blur",
    "impulse_noise", "jpeg_compression", "motion_blur", "pixelate", "shot_noise", "snow", "zoom_blur",
)  # fmt: skip
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SEVERITIES = 5
IMAGE = (32, 32, 3)
SHOWS = "Photos of one object each, 32 x 32 pixels in colour, of 10 classes of animals and vehicles"
SPOILT = (
    "{count:,} test images of CIFAR-10, each spoilt by one of 15 corruptions (noise, blur, weather, digital) at "
    "severity {severity} of 5 (CIFAR-10-C, Hendrycks and Dietterich 2019), drawn for each image with seed {seed}"
)
MIXED = f"{SHOWS}: {SPOILT}; training and test images alike."
ROBUST = f"{SHOWS}. To train on: CIFAR-10's own training images, clean. To test on: {SPOILT}."
LICENCE = "CC BY 4.0; none is published for CIFAR-10"


def open_corrupted(download: Download, severity: int) -> Arrays:
    """Spoilt images alone, in no split."""
    images, labels = _corrupted(download, severity)
    return Arrays(
        parts=[_part("train", images, labels)],
        names=CLASSES,
        description=MIXED.format(count=len(images), severity=severity, seed=download.seed),
        licence=LICENCE,
    )


def open_robust(download: Download, severity: int) -> Arrays:
    """Clean images to train on, spoilt ones to test on; clean test images, of which those were made, nowhere."""
    images, labels = _corrupted(download, severity)
    clean = find_cifar(download.unpacked(CLEAN))
    parts = [part for part in clean.parts if part.split == "train"] if clean else []
    if not parts:
        raise UnusableDatasetError(f"{CLEAN!r} holds no training batches of CIFAR-10: get it again.")
    return Arrays(
        parts=[*parts, _part("test", images, labels)],
        names=CLASSES,
        description=ROBUST.format(count=len(images), severity=severity, seed=download.seed),
        licence=LICENCE,
    )


def _corrupted(download: Download, severity: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    path = download.file(FILE)
    try:
        with tarfile.open(path) as archive:
            corrupted = _Corrupted(archive)
            labels = corrupted.labels(severity)
            which = np.random.default_rng(download.seed).integers(len(CORRUPTIONS), size=len(labels))
            images = np.empty((len(labels), *IMAGE), np.uint8)
            for number, name in enumerate(CORRUPTIONS):
                chosen = which == number
                images[chosen] = corrupted.rows(f"{name}.npy", (len(labels), *IMAGE), severity)[chosen]
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read ({error!s:.200}): get it again.") from None
    return images, labels


class _Corrupted:
    """The arrays in the archive."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {PurePosixPath(member.name).name: member for member in archive if member.isreg()}

    def labels(self, severity: int) -> NDArray[np.int64]:
        rows = self._open("labels.npy")
        if len(rows.shape) != 1 or rows.dtype.kind not in "iu" or not rows.shape[0] or rows.shape[0] % SEVERITIES:
            raise ValueError(f"labels.npy has the shape {rows.shape} of {rows.dtype}, and (50000,) is wanted")
        labels = self.rows("labels.npy", (rows.shape[0] // SEVERITIES,), severity).astype(np.int64)
        if not 0 <= labels.min() <= labels.max() < len(CLASSES):
            raise ValueError(f"labels.npy has values from {labels.min()} to {labels.max()}")
        return labels

    def rows(self, name: str, shape: tuple[int, ...], severity: int) -> NDArray[Any]:
        """Of an array that has this shape at each severity, those of one."""
        rows = self._open(name)
        wanted = (shape[0] * SEVERITIES, *shape[1:])
        if rows.shape != wanted or rows.dtype.kind not in "iu":
            raise ValueError(f"{name} has the shape {rows.shape} of {rows.dtype}, and {wanted} is wanted")
        rows.skip(shape[0] * (severity - 1))
        return rows.read(shape[0])

    def _open(self, name: str) -> Rows:
        file = self._archive.extractfile(self._members[name]) if name in self._members else None
        if file is None:
            raise ValueError(f"it lacks {name}")
        return open_rows(file)


def _part(split: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Part:
    return Part(split=split, images=images, labels=labels, where=repr(FILE))
