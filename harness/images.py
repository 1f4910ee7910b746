"""A prepared split, read back fast: `images.npy`, or `images.bin` with `offsets.npy`.

Both forms are memory-mapped, cost little memory however many images are read, and may be pickled or forked: a mapping
has no file offset that processes could fight over, and a pickle holds the path alone. Labels are not read here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from harness.mapping import Pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ARRAY = "images.npy"
"""uint8 (N, C, H, W): the array form, for small images of one size."""
ENCODED = "images.bin"
"""Image files end to end: the encoded form, for all others."""
OFFSETS = "offsets.npy"
"""int64 (N + 1,): image i is the bytes offsets[i]:offsets[i + 1] of the encoded form."""

HELD = {ARRAY: 4096, ENCODED: 64}
"""Images that a process reads before it gives their pages back: the kernel maps 64 kB or more for each."""

MODES = {1: "L", 3: "RGB"}
"""Channels -> Pillow's name of such an image."""


class Images(Protocol):
    """The images of one split."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image, (C, H, W)."""
        ...

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """These images, (n, C, H, W).

        Raises:
            ValueError: they are not of one size.
        """
        ...


def open_images(folder: Path, channels: int) -> Images:
    """Open a split folder of a prepared dataset; every image comes out with 1 or 3 channels, as asked.

    Raises:
        FileNotFoundError: the folder holds neither form.
    """
    if (folder / ARRAY).exists():
        return _Array(folder, channels)
    if (folder / ENCODED).exists():
        return _Encoded(folder, channels)
    raise FileNotFoundError(f"{folder} holds neither {ARRAY} nor {ENCODED}: prepare the dataset again")


def planes(image: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pixels of an L or RGB image as (C, H, W)."""
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) if pixels.ndim == 3 else pixels[np.newaxis]


@dataclass(frozen=True)
class _Array:
    folder: Path
    channels: int

    def __len__(self) -> int:
        return len(self._pixels)

    def __reduce__(self) -> tuple[object, ...]:
        return _Array, (self.folder, self.channels)

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.folder / ARRAY, mmap_mode="r"))

    @cached_property
    def _pages(self) -> Pages:
        return Pages(self._pixels, HELD[ARRAY])

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.batch([index]).squeeze(0)

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = self._pixels[np.asarray(indices, dtype=np.int64)]
        self._pages.count(len(pixels))
        if pixels.shape[1] == self.channels:
            return pixels
        images = [Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)) for image in pixels]
        return np.stack([planes(image.convert(MODES[self.channels])) for image in images])


@dataclass(frozen=True)
class _Encoded:
    folder: Path
    channels: int

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __reduce__(self) -> tuple[object, ...]:
        return _Encoded, (self.folder, self.channels)

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.asarray(np.load(self.folder / OFFSETS, mmap_mode="r"))

    @cached_property
    def _data(self) -> NDArray[np.uint8]:
        return np.asarray(np.memmap(self.folder / ENCODED, np.uint8, "r"))

    @cached_property
    def _pages(self) -> Pages:
        return Pages(self._data, HELD[ENCODED])

    def image(self, index: int) -> NDArray[np.uint8]:
        start, end = self._offsets[range(len(self))[index] :][:2]
        self._pages.count(1)
        with Image.open(io.BytesIO(self._data[start:end].data)) as image:
            return planes(image.convert(MODES[self.channels]))

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.stack([self.image(int(index)) for index in indices])
