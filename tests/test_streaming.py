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
order = np.random.default_rng(0).permutation(len(source.labels)).tolist()
total = sum(int(np.asarray(source.read(index))[-1, -1].max()) for index in order)
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


CRAMPED = """
import resource, sys
import scipy.io
from harness.sources import open_source
from harness.sources.source import UnusableDatasetError

held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (200 << 20),) * 2)
try:
    open_source(sys.argv[1])
except UnusableDatasetError as error:
    print(error)
"""


def write_mat(folder: Path) -> Path:
    """307 MB, once unpacked."""
    from scipy.io import savemat  # noqa: PLC0415 - of the extra `harness`

    images = np.zeros((32, 32, 3, 100_000), np.uint8, order="F")
    images[-1, -1] = 1
    savemat(folder / "train_32x32.mat", {"X": images, "y": labels(100_000)[:, None]}, do_compression=True)
    return folder / "train_32x32.mat"


def test_a_mat_file_is_held_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", READER, str(write_mat(tmp_path)), str(tmp_path / "scratch")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    assert int(ended.stdout.split()[1]) < 2 * 307e6


def test_a_mat_file_larger_than_memory_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CRAMPED, str(write_mat(tmp_path))]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    assert ended.stdout == (
        "'train_32x32.mat' unpacks to more than there is memory: raise SANDBOX_MEMORY, or give its arrays as an .npz.\n"
    )


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
