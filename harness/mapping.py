"""Memory maps that stay small: pages that were read count as this process's memory until they are given back."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def forget(array: NDArray[Any]) -> None:
    """Give back the pages of a mapped array, from any thread: what is touched again comes from the kernel's cache."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)


class Pages:
    """The pages of a mapped array, given back whenever so many images were read."""

    def __init__(self, array: NDArray[Any], images: int) -> None:
        self._array = array
        self._images = images
        self._read = 0

    def count(self, images: int) -> None:
        """So many were read, by any thread: to miscount a few costs nothing."""
        self._read += images
        if self._read >= self._images:
            self._read = 0
            forget(self._array)
