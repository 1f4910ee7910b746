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

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES = re.compile(r"(?P<prefix>.*)images(?P<dot>[-.])idx3-ubyte(?P<gz>(\.gz)?)")
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST = 8 << 30
"""Bytes of one array."""


def find_idx(folder: Path) -> Arrays | None:
    """Open the pairs of images and labels in a folder; None where there is none.

    Raises:
        UnusableDatasetError: one is incomplete.
    """
    named = [(path, IMAGES.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    found = [(path, match["prefix"], match["dot"]) for path, match in named if match]
    if not found:
        return None
    parts = [_part(path, prefix, f"{prefix}labels{dot}idx1-ubyte") for path, prefix, dot in found]
    return Arrays(parts=parts, names=_mapped_names(folder))


def read_idx(path: Path) -> NDArray[Any]:
    """Read one array; a plain file is mapped, not read.

    Raises:
        UnusableDatasetError: it is broken.
    """
    try:
        return _read(path)
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read as IDX ({error}): get it again.") from None


def _read(path: Path) -> NDArray[Any]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        zeros, code, dimensions = struct.unpack(">HBB", file.read(4).ljust(4, b"?"))
        shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions).ljust(4 * dimensions, b"?"))
        size = np.dtype(TYPES[code]).itemsize * prod(shape)
        if zeros or size > MOST:
            raise ValueError("its header is not one of IDX")
        if path.suffix != ".gz":
            return np.memmap(path, TYPES[code], "r", offset=file.tell(), shape=shape)
        data = file.read(size)
        if len(data) < size:
            raise ValueError("it ends too early")
        return np.frombuffer(data, TYPES[code]).reshape(shape)


def _part(images: Path, prefix: str, labels: str) -> Part:
    beside = [path for path in (images.with_name(labels), images.with_name(f"{labels}.gz")) if path.is_file()]
    if not beside:
        raise UnusableDatasetError(f"{images.name!r} has no labels: put {labels!r} beside it.")
    pixels = read_idx(images)
    if "emnist" in prefix.lower() and pixels.ndim == 3:
        pixels = pixels.transpose(0, 2, 1)  # NIST stores columns where MNIST stores rows
    return Part(split=_split(prefix), images=pixels, labels=read_idx(beside[0]), where=repr(images.name))


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
