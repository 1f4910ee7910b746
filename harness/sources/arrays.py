"""Images that are pixels already, in arrays: one for each split, or one for all."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.mapping import Pages
from harness.sources.labels import number_classes
from harness.sources.source import SKIPPED, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SCALES = (1, 255, 1023, 4095, 16383, 65535)
"""Full scale of pixels that are no bytes: of fractions, and of 8 to 16 bits."""
AT_ONCE = 32 << 20
"""Bytes that are looked at together of an array: it may be larger than memory."""
FORGET = 64
"""Images, read in any order, whose pages are held: for each the kernel maps up to 2 MB."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Images and labels that belong together."""

    split: str
    images: NDArray[Any]
    """(N, H, W), (N, H, W, C) or (N, C, H, W), of 1, 3 or 4 channels and any type of number."""
    labels: NDArray[Any]
    """(N,), (N, 1), or one-hot (N, K)."""
    where: str
    """The file, as a person calls it."""

    @cached_property
    def pixels(self) -> NDArray[Any]:
        """(N, H, W) or (N, H, W, C), whatever came.

        Raises:
            UnusableDatasetError: these are no images, or not as many as labels.
        """
        images = self.images
        if images.ndim == 4 and images.shape[1] in (1, 3, 4) and min(images.shape[2:]) > 4:
            images = np.moveaxis(images, 1, 3)
        if images.ndim == 4 and images.shape[3] == 1:
            images = images[..., 0]
        if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (3, 4)) or 0 in images.shape:
            raise UnusableDatasetError(
                f"{self.where} has images of the shape {self.images.shape}: give (images, height, width), or with 1, 3 "
                "or 4 channels at the end."
            )
        if len(images) != len(self.labels):
            raise UnusableDatasetError(
                f"{self.where} has {len(images)} images and {len(self.labels)} labels: give one for each."
            )
        return images

    @cached_property
    def at_once(self) -> int:
        """Images that are looked at together."""
        return max(1, AT_ONCE // (self.pixels.nbytes // len(self.pixels)))

    @cached_property
    def pages(self) -> Pages:
        return Pages(self.images, FORGET)

    @cached_property
    def scale(self) -> float:
        """What becomes 255.

        Raises:
            UnusableDatasetError: the values are no pixels.
        """
        if self.pixels.dtype == np.uint8:
            return 255
        low: Any = np.inf
        high: Any = -np.inf
        for start in range(0, len(self.pixels), self.at_once):
            some = self.pixels[start : start + self.at_once]
            low, high = np.minimum(low, some.min()), np.maximum(high, some.max())  # NaN stays NaN
            self.pages.count(len(some))
        fitting = next((scale for scale in SCALES if high <= scale), None)
        if fitting is None or not low >= 0:
            raise UnusableDatasetError(
                f"{self.where} has values from {low:g} to {high:g}: pixels reach from 0 to 1, 255 or 65535."
            )
        return fitting


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """Implements `source.Source`."""

    parts: Sequence[Part]
    names: Sequence[str] = ()
    """What labels 0, 1 ... mean, if it is known."""
    description: str = ""
    licence: str = ""
    groups: None = None
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)
    unlabelled: None = None

    def __post_init__(self) -> None:
        """Look at all parts.

        Raises:
            UnusableDatasetError: one cannot be used.
        """
        for part in self.parts:
            _ = part.scale

    @cached_property
    def _numbered(self) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
        return number_classes([part.labels for part in self.parts], self.names, [part.where for part in self.parts])

    @property
    def classes(self) -> tuple[str, ...]:
        return self._numbered[0]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        return np.concatenate(self._numbered[1])

    @cached_property
    def given(self) -> NDArray[np.int8]:
        codes = np.array([SPLITS.index(part.split) for part in self.parts], np.int8)
        return np.repeat(codes, [len(part.pixels) for part in self.parts])

    @cached_property
    def _firsts(self) -> list[int]:
        return [0, *np.cumsum([len(part.pixels) for part in self.parts]).tolist()]

    def read(self, index: int) -> NDArray[np.uint8]:
        part, place = self._find(index)
        pixels = part.pixels[place]
        if pixels.dtype != np.uint8:
            pixels = np.rint(pixels * (255 / part.scale)).astype(np.uint8)
        plain = np.array(pixels, order="C")
        part.pages.count(1)
        return plain

    def where(self, index: int) -> str:
        part, place = self._find(index)
        return f"{part.where}[{place}]"

    def _find(self, index: int) -> tuple[Part, int]:
        number = bisect(self._firsts, index) - 1
        return self.parts[number], index - self._firsts[number]
