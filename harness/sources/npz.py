"""NumPy archives: as MedMNIST's (`train_images`, `train_labels` ...), Keras' (`x_train` ...), or plain `X` and `y`."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.source import SPLIT_NAMES, UnusableDatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES = {"x", "images", "image", "imgs", "data", "arr0"}
LABELS = {"y", "labels", "label", "targets", "target", "arr1"}


def open_npz(path: Path) -> Arrays:
    """Find the images and labels in an archive by the names of its arrays.

    Raises:
        UnusableDatasetError: it holds none, or cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            roles = {_role(name): name for name in archive.files}
            splits = [split for kind, split in roles if kind == "images" and ("labels", split) in roles]
            if not splits:
                raise UnusableDatasetError(
                    f"{path.name!r} has the arrays {', '.join(sorted(archive.files)[:10])}: name them x_train and "
                    "y_train (x_test, y_test), or X and y."
                )
            parts = [
                _part(path, split, archive[roles["images", split]], archive[roles["labels", split]])
                for split in sorted(splits)
            ]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UnusableDatasetError(
            f"{path.name!r} cannot be read ({str(error)[:200]}): write it with np.savez."
        ) from None
    return Arrays(parts=parts)


def find_npz(folder: Path) -> Arrays | None:
    """Open the one archive of a folder without sub-folders; None where there is none, or more."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    archives = [entry for entry in entries if entry.suffix.lower() == ".npz"]
    return open_npz(archives[0]) if len(archives) == 1 and not any(entry.is_dir() for entry in entries) else None


def _role(name: str) -> tuple[str, str]:
    """What an array is (`images`, `labels`, or nothing of ours) and the split it belongs to."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"arr_(\d)", r"arr\1", name.lower()))
    split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
    kinds = [kind for kind, names in (("images", IMAGES), ("labels", LABELS)) if set(words) & names]
    return (kinds[0] if kinds else f"other {name}", split)


def _part(path: Path, split: str, images: NDArray[Any], labels: NDArray[Any]) -> Part:
    return Part(split=split, images=images, labels=labels, where=repr(path.name))
