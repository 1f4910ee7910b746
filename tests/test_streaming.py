"""Arrays larger than memory are read through files: what a process holds does not grow with them."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (80_000, 64, 64)
"""328 MB of bytes; a quarter as many images of four bytes a pixel are as much."""
MOST = 150 << 20
READER = """
import sys
from pathlib import Path
import numpy as np
from harness.sources import open_source

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) << 10

before = peak()
source = open_source(sys.argv[1], scratch=Path(sys.argv[2]))
assert len(source.given) == len(source.labels)
total = sum(int(np.asarray(source.read(index))[-1, -1]) for index in range(len(source.labels)))
print(total, peak() - before, *(path.name for path in Path(sys.argv[2]).rglob("*")))
"""


def labels(count: int) -> NDArray[np.uint8]:
    return (np.arange(count) % 10).astype(np.uint8)


def counted(shape: tuple[int, ...], dtype: str, one: float) -> NDArray[Any]:
    """Black but for the last pixel of each image, which is 1 of 255."""
    images = np.zeros(shape, dtype)
    images[:, -1, -1] = one
    return images


def write_npz(path: Path, shape: tuple[int, ...], dtype: str, one: float) -> Path:
    images = counted(shape, dtype, one)
    images[0, 0, 0] = one * 255
    np.savez_compressed(path / "a.npz", X=images, y=labels(len(images)))
    return path / "a.npz"


def write_idx(folder: Path, *, packed: bool) -> Path:
    for name, array in (("images-idx3-ubyte", counted(SHAPE, "u1", 1)), ("labels-idx1-ubyte", labels(SHAPE[0]))):
        content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        path = folder / f"train-{name}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content, 1) if packed else content)
    return folder


WRITERS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "npz": (lambda folder: write_npz(folder, SHAPE, "u1", 1), SHAPE[0]),
    "npz of fractions": (lambda folder: write_npz(folder, (SHAPE[0] // 4, 64, 64), "f4", 1 / 255), SHAPE[0] // 4),
    "IDX": (lambda folder: write_idx(folder, packed=False), SHAPE[0]),
    "IDX, gzipped": (lambda folder: write_idx(folder, packed=True), SHAPE[0]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_image_is_read_in_a_fraction_of_their_memory_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    write, images = WRITERS[name]
    (tmp_path / "source").mkdir()
    source = write(tmp_path / "source")

    command = [sys.executable, "-c", READER, str(source), str(tmp_path / "scratch")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    total, grown, *left = ended.stdout.split()
    assert int(total) == images
    assert int(grown) < MOST
    assert left == []
