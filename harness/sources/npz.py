"""NumPy archives: as MedMNIST's (`train_images`, `train_labels` ...), Keras' (`x_train` ...), or plain `X` and `y`."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.source import SPLIT_NAMES, UnusableDatasetError
from harness.sources.spool import spooled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES = {"x", "images", "image", "imgs", "data", "arr0"}
LABELS = {"y", "labels", "label", "targets", "target", "arr1"}
BROKEN = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What a broken or an encrypted archive raises, or one whose arrays are objects."""


def open_npz(path: Path, scratch: Path | None = None) -> Arrays:
    """Find the images and labels in an archive by the names of its arrays.

    Raises:
        UnusableDatasetError: it holds none, or cannot be read, or has no room where it is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            roles = {_role(name): name for name in names}
            splits = [split for kind, split in roles if kind == "images" and ("labels", split) in roles]
            if not splits:
                raise UnusableDatasetError(
                    f"{path.name!r} has the arrays {', '.join(sorted(names)[:10])}: name them x_train and y_train "
                    "(x_test, y_test), or X and y."
                )
            parts = [
                Part(
                    split=split,
                    images=read_member(archive, roles["images", split], path, scratch),
                    labels=read_member(archive, roles["labels", split], path, scratch),
                    where=repr(path.name),
                )
                for split in sorted(splits)
            ]
    except BROKEN as error:
        raise UnusableDatasetError(
            f"{path.name!r} cannot be read ({str(error)[:200].rstrip('.')}): write it with np.savez, as arrays of "
            "plain numbers or words."
        ) from None
    return Arrays(parts=parts)


def read_member(archive: zipfile.ZipFile, name: str, path: Path, scratch: Path | None) -> NDArray[Any]:
    """Unpack one array of the archive at `path` to a file and map it: it may be larger than memory.

    Raises:
        UnusableDatasetError: there is no room.
        Exception: one of `BROKEN`.
    """
    info = archive.NameToInfo.get(f"{name}.npy") or archive.getinfo(name)
    with archive.open(info) as member, spooled(member, info.file_size, path, scratch) as file:
        return np.asarray(np.lib.format.open_memmap(file, "r"))


def find_npz(folder: Path, scratch: Path | None = None) -> Arrays | None:
    """Open the one archive of a folder without sub-folders; None where there is none, or more."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    archives = [entry for entry in entries if entry.suffix.lower() == ".npz"]
    alone = len(archives) == 1 and not any(entry.is_dir() for entry in entries)
    return open_npz(archives[0], scratch) if alone else None


def _role(name: str) -> tuple[str, str]:
    """What an array is (`images`, `labels`, or nothing of ours) and the split it belongs to."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"arr_(\d)", r"arr\1", name.lower()))
    split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
    kinds = [kind for kind, names in (("images", IMAGES), ("labels", LABELS)) if set(words) & names]
    return (kinds[0] if kinds else f"other {name}", split)
