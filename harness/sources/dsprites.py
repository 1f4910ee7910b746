"""dSprites: every image of a shape that six factors give, of which the orientation is the label.

Three gigabytes once unpacked: the wanted images are streamed to a file, and read one at a time. The last orientation is
the first one again, a full turn later, so images of these two classes are twins; they would all be held back from a
split that parts no copies, hence splits are made here.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.placed_file import PlacedFile
from harness.sources.archives import refuse_too_large
from harness.sources.npy import open_rows
from harness.sources.source import SKIPPED, SPLITS, UnusableDatasetError
from harness.sources.vtab import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.download import Download

    Divide = Callable[[NDArray[np.int64], np.random.Generator], NDArray[np.int8]]
    """Labels -> the split of each image, or `LEFT_OUT`."""

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
ORIENTATIONS = 40
COLUMN = 3
"""Of the six factors: colour, shape, scale, orientation, x, y."""
COARSE = 16
SIDE = 64
TRAIN, VALIDATION, TEST = range(len(SPLITS))
LEFT_OUT = -1
AT_ONCE = 1024
"""Images, 4 MB."""
SHOWS = (
    "A white square, ellipse or heart on black, 64 x 64 grey pixels, in 6 sizes and at 32 x 32 places (dSprites, "
    "Matthey et al. 2017). The label is its orientation, in 40 equal steps from 0 to 360 degrees"
)
FINE = f"{SHOWS}. Both ends count: the first and the last class are one rotation, so 97.5 % is about the best."
BUCKETS = f"{SHOWS}, in 16 classes of two or three steps as in VTAB; the first and the last class share a rotation."
FULL = " Of each class 20 % became the test split and 10 % of the rest the validation split, seed {seed}."
VTAB = " The splits have VTAB's sizes: 80 % train, 10 % validation, 10 % test of each class, seed {seed}."
VTAB_1K = (
    " As in VTAB-1k there are 800 images to train on, 200 to validate and a tenth of all to test, each drawn at random "
    "with seed {seed}; VTAB itself takes the first in the order of TensorFlow Datasets."
)


@dataclass(frozen=True, kw_only=True)
class Sprites:
    """Implements `source.Source`."""

    pixels: PlacedFile
    """Of all, end to end."""
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    description: str
    licence: str = "Apache-2.0"
    groups: None = None
    unlabelled: None = None
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)

    def read(self, index: int) -> NDArray[np.uint8]:
        return np.frombuffer(self.pixels.read(index * SIDE**2, SIDE**2), np.uint8).reshape(SIDE, SIDE)

    def where(self, index: int) -> str:
        return f"{FILE!r}, image {index} of those used"


def open_fine(download: Download) -> Sprites:
    """40 classes, split as the paper does where there is no test split."""
    return _open(download, ORIENTATIONS, _eighty_twenty, FINE + FULL)


def open_coarse(download: Download) -> Sprites:
    """VTAB's 16 classes, with all images."""
    return _open(download, COARSE, _vtab, BUCKETS + VTAB)


def open_vtab_1k(download: Download) -> Sprites:
    """VTAB's 16 classes, with the 1,000 images of VTAB-1k."""
    return _open(download, COARSE, _vtab_1k, BUCKETS + VTAB_1K)


def orientation_classes(count: int) -> tuple[str, ...]:
    """Names, by the angles that each class covers."""
    buckets: list[list[float]] = [[] for _ in range(count)]
    for step in range(ORIENTATIONS):
        buckets[step * count // ORIENTATIONS].append(step * 360 / (ORIENTATIONS - 1))
    return tuple(" to ".join(f"{angle:.1f}" for angle in sorted({min(b), max(b)})) + " degrees" for b in buckets)


def divide(labels: NDArray[np.int64], rng: np.random.Generator, *, validation: float, test: float) -> NDArray[np.int8]:
    """Give each class's share to the test split, and of all to the validation split."""
    given = np.full(len(labels), TRAIN, np.int8)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        tested, tuned = round(len(members) * test), round(len(members) * validation)
        given[members[:tested]] = TEST
        given[members[tested : tested + tuned]] = VALIDATION
    return given


def _eighty_twenty(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
    return divide(labels, rng, validation=0.08, test=0.2)


def _vtab(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
    return divide(labels, rng, validation=0.1, test=0.1)


def _vtab_1k(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
    order = rng.permutation(len(labels))
    tested = len(labels) // 10
    train, validation = draw(order[tested:], rng, repr(FILE))
    given = np.full(len(labels), LEFT_OUT, np.int8)
    given[order[:tested]], given[train], given[validation] = TEST, TRAIN, VALIDATION
    return given


def _open(download: Download, count: int, divide: Divide, description: str) -> Sprites:
    path, pixels = download.file(FILE), download.scratch / "sprites.bin"
    try:
        with zipfile.ZipFile(path) as archive:
            labels = _orientations(archive) * count // ORIENTATIONS
            given = divide(labels, np.random.default_rng(download.seed))
            used = given != LEFT_OUT
            refuse_too_large(path, int(used.sum()) * SIDE**2, download.scratch)
            _stream(archive, used, pixels)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError) as error:
        raise UnusableDatasetError(f"{path.name!r} is no whole dSprites ({error!s:.200}): get it again.") from None
    return Sprites(
        pixels=PlacedFile(pixels),
        classes=orientation_classes(count),
        labels=labels[used],
        given=given[used],
        description=description.format(seed=download.seed),
    )


def _orientations(archive: zipfile.ZipFile) -> NDArray[np.int64]:
    with archive.open("latents_classes.npy") as file:
        rows = open_rows(file)
        if len(rows.shape) != 2 or rows.shape[1] != 6 or rows.dtype.kind not in "iu":
            raise ValueError(f"latents_classes has the shape {rows.shape}, and (images, 6) is wanted")
        steps = np.concatenate([rows.read(count)[:, COLUMN].astype(np.int64) for count in _chunks(rows.shape[0])])
    if not 0 <= steps.min() <= steps.max() < ORIENTATIONS:
        raise ValueError(f"latents_classes has orientations from {steps.min()} to {steps.max()}")
    return steps


def _stream(archive: zipfile.ZipFile, used: NDArray[np.bool_], into: Path) -> None:
    """Write the pixels of the images that are used, white where the file has 1."""
    with archive.open("imgs.npy") as file, into.open("xb") as out:
        rows = open_rows(file)
        if rows.shape != (len(used), SIDE, SIDE) or rows.dtype != np.uint8:
            raise ValueError(f"imgs has the shape {rows.shape} of {rows.dtype}, not {(len(used), SIDE, SIDE)} of bytes")
        done = 0
        for count in _chunks(len(used)):
            images = rows.read(count)
            if images.max() > 1:
                raise ValueError(f"imgs has the value {images.max()}, and 0 and 1 are wanted")
            out.write((images[used[done : done + count]] * np.uint8(255)).data)
            done += count


def _chunks(rows: int) -> Sequence[int]:
    return [min(AT_ONCE, rows - start) for start in range(0, rows, AT_ONCE)] or [0]
