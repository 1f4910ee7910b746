"""The second pass: every image decoded once and written in its split's order, in one stream.

Nothing is written through a memory map: dirty pages of one would count as this process's memory.
"""

from __future__ import annotations

import hashlib
import io
from array import array
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.images import ARRAY, ENCODED, OFFSETS
from harness.prepare.parallel import Unreadable, attempt, in_order
from harness.prepare.pixels import Plan, Stored, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.source import Source

MEASURED = 2000
"""Images of the encoded form that mean and deviation are taken from."""


@dataclass
class Tally:
    """What is learnt while a split's images go by."""

    unreadable: list[Unreadable] = field(default_factory=list)
    lengths: array[int] = field(default_factory=lambda: array("q"))
    digests: array[int] = field(default_factory=lambda: array("Q"))
    """Of the pixels."""
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros((1, 256), np.int64))
    """(C, 256): how often each value occurs in the images that were measured."""

    def take(self, results: Iterable[Stored | Unreadable]) -> Iterator[bytes]:
        """Note each result and pass its content on; one that cannot be read is gathered and left out."""
        for result in results:
            if isinstance(result, Unreadable):
                self.unreadable.append(result)
                continue
            self.lengths.append(len(result.content))
            self.digests.append(result.digest)
            if result.histogram is not None:
                self.histogram = self.histogram + result.histogram
            yield result.content

    def offsets(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(np.asarray(self.lengths, np.int64))]).astype(np.int64)


def convert(source: Source, positions: NDArray[np.int64], plan: Plan, measured: int) -> Iterator[Stored | Unreadable]:
    """Make these images what is stored, in this order; the first `measured` come with a histogram."""

    def stored(item: tuple[int, int]) -> Stored | Unreadable:
        rank, position = item
        return attempt(source, partial(store, plan=plan, measure=rank < measured), position)

    return in_order(stored, enumerate(map(int, positions)))


def write_images(
    folder: Path, shape: tuple[int, ...] | None, contents: Iterable[bytes], tally: Tally
) -> dict[str, str]:
    """Write the array form of this shape, or the encoded form; return file name -> checksum."""
    if shape is not None:
        return {ARRAY: write(folder / ARRAY, _with_header(shape, contents))}
    checksum = write(folder / ENCODED, contents)
    return {ENCODED: checksum, OFFSETS: write_array(folder / OFFSETS, tally.offsets())}


def write_array(path: Path, values: NDArray[np.int64]) -> str:
    """Write one small array; return its checksum."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return write(path, [file.getvalue()])


def write(path: Path, contents: Iterable[bytes]) -> str:
    """Write one file, readable by whoever may enter its folder; return its checksum."""
    checksum = hashlib.sha256()
    with path.open("xb") as file:
        for content in contents:
            checksum.update(content)
            file.write(content)
    path.chmod(0o644)
    return checksum.hexdigest()


def _with_header(shape: tuple[int, ...], contents: Iterable[bytes]) -> Iterator[bytes]:
    file: Any = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    yield file.getvalue()
    yield from contents
