"""A prepared split, read back fast: `images.npy`, or `images.bin` with `offsets.npy`.

Both forms cost little memory however many images are read, and may be pickled or forked: reading at a place moves no
file offset that processes could fight over, and a pickle holds the path alone. Labels are not read here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from harness.placed_file import PlacedFile

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

SMALL = 256 << 20
"""Bytes of an array that is mapped: an image of 32 x 32 comes in 1 us, not in 3. Pages of a mapping count as memory of
the process, and the kernel maps up to 2 MB for each that is touched."""

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


def decode(content: bytes, channels: int) -> NDArray[np.uint8]:
    """The pixels of a stored image file, (C, H, W)."""
    with Image.open(io.BytesIO(content)) as image:
        return planes(image.convert(MODES[channels]))


@dataclass(frozen=True)
class InMemory:
    """Implements `Images`: pixels (C, H, W) that were decoded elsewhere."""

    pixels: Sequence[NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.pixels[index]

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.stack([self.pixels[int(index)] for index in indices])


@dataclass(frozen=True)
class _Array:
    folder: Path
    channels: int

    def __len__(self) -> int:
        return len(self._pixels)

    def __reduce__(self) -> tuple[object, ...]:
        return _Array, (self.folder, self.channels)

    @cached_property
    def _pixels(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        pixels: np.memmap[Any, np.dtype[np.uint8]] = np.load(self.folder / ARRAY, mmap_mode="r")
        return pixels

    @cached_property
    def _file(self) -> PlacedFile:
        return PlacedFile(self.folder / ARRAY)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.batch([index]).squeeze(0)

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        pixels = self._read(np.asarray(indices, dtype=np.int64))
        if pixels.shape[1] == self.channels:
            return pixels
        images = [Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)) for image in pixels]
        return np.stack([planes(image.convert(MODES[self.channels])) for image in images])

    def _read(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        if self._pixels.nbytes <= SMALL:
            return np.asarray(self._pixels)[indices]
        one = self._pixels.nbytes // len(self)
        every = range(len(self))
        starts = [self._pixels.offset + every[index] * one for index in indices.tolist()]
        data = bytearray().join([self._file.read(start, one) for start in starts])
        return np.frombuffer(data, np.uint8).reshape(-1, *self._pixels.shape[1:])


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
    def _file(self) -> PlacedFile:
        return PlacedFile(self.folder / ENCODED)

    def image(self, index: int) -> NDArray[np.uint8]:
        start, end = self._offsets[range(len(self))[index] :][:2].tolist()
        return decode(self._file.read(start, end - start), self.channels)

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.stack([self.image(int(index)) for index in indices])
