"""CIFAR-10 and CIFAR-100 as their authors give them: batches of pickled arrays, or plain binary files.

Pickles run what they name when they are read. Here, inside the sandbox, they may name what an array is made of.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PIXELS = 3 * 32 * 32
PICKLED = {"data_batch_1": "train", "data_batch_2": "train", "data_batch_3": "train", "data_batch_4": "train",
           "data_batch_5": "train", "test_batch": "test", "train": "train", "test": "test"}  # fmt: skip
"""File -> split; the last two are CIFAR-100's."""
NAMES = {"batches.meta": b"label_names", "meta": b"fine_label_names"}
BINARY_NAMES = ("batches.meta.txt", "fine_label_names.txt")
SAFE = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""All that the pickle of a dictionary of arrays names."""
MOST = 1 << 30
"""Bytes of one pickle."""


class _Arrays(pickle.Unpickler):
    """Reads dictionaries of arrays, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")  # as NumPy 1 called it
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs")
        return super().find_class(module, name)


def find_cifar(folder: Path, _: Path | None = None) -> Arrays | None:
    """Open the batches in a folder, pickled or binary; None where there are none.

    Raises:
        UnusableDatasetError: one is broken.
    """
    known = [name for name in PICKLED if "_" in name or (folder / "meta").is_file()]  # `train` alone may be anything
    pickled = [name for name in known if (folder / name).is_file()]
    binary = [name for name in PICKLED if (folder / f"{name}.bin").is_file()]
    if pickled:
        return Arrays(parts=[_pickled(folder / name) for name in pickled], names=_pickled_names(folder))
    if binary:
        return Arrays(parts=[_binary(folder / f"{name}.bin") for name in binary], names=_binary_names(folder))
    return None


def _pickled(path: Path) -> Part:
    content = _unpickle(path)
    data = content.get(b"data")
    labels = content.get(b"fine_labels", content.get(b"labels"))
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != PIXELS or not isinstance(labels, list):
        raise UnusableDatasetError(f"{path.name!r} is no batch of CIFAR: it needs data (N x {PIXELS}) and labels.")
    return Part(split=PICKLED[path.name], images=_planes(data), labels=np.array(labels), where=repr(path.name))


def _unpickle(path: Path) -> dict[bytes, Any]:
    if path.stat().st_size > MOST:
        raise UnusableDatasetError(f"{path.name!r} is larger than any batch of CIFAR: get it again.")
    try:
        with path.open("rb") as file:
            content = _Arrays(file, encoding="bytes").load()
    except Exception as error:  # noqa: BLE001 - a broken pickle raises whatever its last instruction makes it
        raise UnusableDatasetError(
            f"{path.name!r} cannot be read as a batch of CIFAR ({error}): get it again."
        ) from None
    return content if isinstance(content, dict) else {}


def _pickled_names(folder: Path) -> list[str]:
    for name, key in NAMES.items():
        if (folder / name).is_file():
            names = _unpickle(folder / name).get(key, [])
            return [bytes(each).decode("utf-8", "replace") for each in names if isinstance(each, bytes)]
    return []


def _binary(path: Path) -> Part:
    """Rows of a label (two in CIFAR-100: the coarse one, then the fine one) and the pixels."""
    ahead = 2 if path.stem in {"train", "test"} else 1
    rows, rest = divmod(path.stat().st_size, ahead + PIXELS)
    if rest or not rows:
        raise UnusableDatasetError(f"{path.name!r} is cut off, or no binary batch of CIFAR: get it again.")
    table = np.memmap(path, np.uint8, "r", shape=(rows, ahead + PIXELS))
    labels = np.array(table[:, ahead - 1])
    return Part(split=PICKLED[path.stem], images=_planes(table[:, ahead:]), labels=labels, where=repr(path.name))


def _binary_names(folder: Path) -> list[str]:
    for name in BINARY_NAMES:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8", errors="replace")[:65536].split()
    return []


def _planes(rows: NDArray[Any]) -> NDArray[Any]:
    """(N, H, W, C), a view."""
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
