"""The second pass: every image decoded once and written in its split's order, in one stream.

Nothing is written through a memory map: dirty pages of one would count as this process's memory.
"""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.images import ARRAY, ENCODED, OFFSETS
from harness.prepare.parallel import Unreadable, attempt, in_order
from harness.prepare.pixels import Plan, Stored, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.source import Images

MEASURED = 2000
"""Images of the encoded form that mean and deviation are taken from."""


class Tally:
    """What is learnt while a split's images go by."""

    def __init__(self, images: int) -> None:
        self.unreadable: list[Unreadable] = []
        self.digests = np.zeros(images, np.uint64)
        """Of the pixels."""
        self.signatures = np.zeros(images, np.uint64)
        self.grey = 0
        self.histogram: NDArray[np.int64] = np.zeros((1, 256), np.int64)
        """(C, 256): how often each value occurs in the images that were measured."""

    def take(self, results: Iterable[Stored | Unreadable]) -> Iterator[bytes]:
        """Note each result and pass its content on; one that cannot be read is gathered and left out."""
        for index, result in enumerate(results):
            if isinstance(result, Unreadable):
                self.unreadable.append(result)
                continue
            self.digests[index] = result.digest
            self.signatures[index] = result.signature
            self.grey += result.grey
            if result.histogram is not None:
                self.histogram = self.histogram + result.histogram
            yield result.content


def convert(images: Images, positions: Iterable[int], plan: Plan, measured: int) -> Iterator[Stored | Unreadable]:
    """Make these images what is stored, in this order; the first `measured` come with a histogram."""

    def stored(item: tuple[int, int]) -> Stored | Unreadable:
        rank, position = item
        return attempt(images, partial(store, plan=plan, measure=rank < measured), position)

    return in_order(stored, enumerate(positions))


def write_images(folder: Path, shape: tuple[int, ...] | None, contents: Iterable[bytes]) -> dict[str, str]:
    """Write the array form of this shape, or the encoded form; return file name -> checksum."""
    if shape is not None:
        return {ARRAY: write(folder / ARRAY, chain([_header("|u1", shape)], contents))}
    offsets = array("q", [0])
    checksum = write(folder / ENCODED, _located(contents, offsets))
    return {ENCODED: checksum, OFFSETS: write_array(folder / OFFSETS, np.asarray(offsets, np.int64))}


def write_array(path: Path, values: NDArray[np.int64]) -> str:
    """Write one array of one dimension; return its checksum."""
    return write(path, [_header("<i8", values.shape), values.data])


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> str:
    """Write a table without a header; return its checksum."""
    return write(path, map(_line, rows))


def write(path: Path, contents: Iterable[bytes | memoryview]) -> str:
    """Write one file, readable by whoever may enter its folder; return its checksum."""
    checksum = hashlib.sha256()
    with path.open("xb") as file:
        for content in contents:
            checksum.update(content)
            file.write(content)
    path.chmod(0o644)
    return checksum.hexdigest()


def _located(contents: Iterable[bytes], offsets: array[int]) -> Iterator[bytes]:
    """Pass contents on, and note where each ends."""
    for content in contents:
        offsets.append(offsets[-1] + len(content))
        yield content


def _line(row: Sequence[str]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(row)
    return file.getvalue().encode("utf-8", "surrogateescape")


def _header(kind: str, shape: tuple[int, ...]) -> bytes:
    """What an .npy file begins with."""
    file: Any = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return bytes(file.getvalue())
