"""IDX files, as MNIST and EMNIST come: `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, plain or gzipped.

The format: two zero bytes, a type code, the number of dimensions, each dimension in four bytes (big-endian), the data.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.source import UnusableDatasetError
from harness.sources.spool import spooled

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES = re.compile(r"(?P<prefix>.*)images(?P<dot>[-.])idx3-ubyte(?P<gz>(\.gz)?)")
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST = 8 << 30
"""Bytes of one array."""


def find_idx(folder: Path, scratch: Path | None = None) -> Arrays | None:
    """Open the pairs of images and labels in a folder; None where there is none.

    Raises:
        UnusableDatasetError: one is incomplete.
    """
    named = [(path, IMAGES.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    found = [(path, match["prefix"], match["dot"]) for path, match in named if match]
    if not found:
        return None
    parts = [_part(path, prefix, f"{prefix}labels{dot}idx1-ubyte", scratch) for path, prefix, dot in found]
    return Arrays(parts=parts, names=_mapped_names(folder))


def read_idx(path: Path, scratch: Path | None = None) -> NDArray[Any]:
    """Map one array: of a plain file as it lies there, of a gzipped one as it is unpacked.

    Raises:
        UnusableDatasetError: it is broken, or has no room where it is unpacked.
    """
    try:
        return _read(path, scratch)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read as IDX ({error}): get it again.") from None


def _read(path: Path, scratch: Path | None) -> NDArray[Any]:
    packed = path.suffix == ".gz"
    opened: AbstractContextManager[Any] = gzip.GzipFile(path) if packed else path.open("rb")
    with opened as file:
        zeros, code, dimensions = struct.unpack(">HBB", file.read(4).ljust(4, b"?"))
        shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions).ljust(4 * dimensions, b"?"))
        size = np.dtype(TYPES.get(code, "u1")).itemsize * prod(shape)
        if zeros or code not in TYPES or size > MOST:
            raise ValueError("its header is not one of IDX")
        if not packed:
            return _map(path, code, shape, file.tell())
        with spooled(file, size, path, scratch) as unpacked:
            return _map(unpacked, code, shape, 0)


def _map(path: Path, code: int, shape: tuple[int, ...], offset: int) -> NDArray[Any]:
    if path.stat().st_size < offset + np.dtype(TYPES[code]).itemsize * prod(shape):
        raise ValueError("it ends too early")
    return np.asarray(np.memmap(path, TYPES[code], "r", offset=offset, shape=shape))


def _part(images: Path, prefix: str, labels: str, scratch: Path | None) -> Part:
    beside = [path for path in (images.with_name(labels), images.with_name(f"{labels}.gz")) if path.is_file()]
    if not beside:
        raise UnusableDatasetError(f"{images.name!r} has no labels: put {labels!r} beside it.")
    pixels = read_idx(images, scratch)
    if "emnist" in prefix.lower() and pixels.ndim == 3:
        pixels = pixels.transpose(0, 2, 1)  # NIST stores columns where MNIST stores rows
    return Part(split=_split(prefix), images=pixels, labels=read_idx(beside[0], scratch), where=repr(images.name))


def _split(prefix: str) -> str:
    words = re.split(r"[^a-z0-9]+", prefix.lower())
    if {"t10k", "test"} & set(words):
        return "test"
    return "validation" if {"val", "valid", "validation"} & set(words) else "train"


def _mapped_names(folder: Path) -> list[str]:
    """Of EMNIST: a line has a label and the codes of the characters that it stands for."""
    names: dict[int, str] = {}
    for path in sorted(folder.glob("emnist-*-mapping.txt"))[:1]:
        for line in path.read_text(encoding="ascii", errors="replace")[:65536].splitlines():
            numbers = [int(word) for word in line.split() if word.isdecimal()]
            if len(numbers) > 1 and numbers[0] < 1000:
                names[numbers[0]] = "/".join(chr(code) for code in numbers[1:] if code < 0x110000)
    return [names.get(number, str(number)) for number in range(max(names, default=-1) + 1)]
