"""SVHN's cropped digits as their authors give them: `train_32x32.mat`, `test_32x32.mat` and `extra_32x32.mat`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"train_32x32.mat": "train", "extra_32x32.mat": "train", "test_32x32.mat": "test"}
"""File -> split; the extra images are easy ones, to train on beside the others."""


FORM = "a .mat file with X (height, width, channels, images) and y"


def open_mat(path: Path, _: Path | None = None) -> Arrays:
    """Open one file; its name may say which split it is.

    Raises:
        UnusableDatasetError: it is broken.
    """
    return Arrays(parts=[read_mat(path, FILES.get(path.name, "train"))])


def find_svhn(folder: Path, _: Path | None = None) -> Arrays | None:
    """Open what is there of SVHN in a folder; None where nothing is.

    Raises:
        UnusableDatasetError: a file is broken.
    """
    paths = [folder / name for name in FILES if (folder / name).is_file()]
    return Arrays(parts=[read_mat(path, FILES[path.name]) for path in paths]) if paths else None


def read_mat(path: Path, split: str) -> Part:
    """Read `X` (H, W, C, N) and `y` (N, 1), where 10 stands for the digit 0; both are held in memory, once.

    Raises:
        UnusableDatasetError: it is broken, or has none.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=("X", "y"))
        images, labels = content["X"], content["y"]
    except MemoryError:
        raise UnusableDatasetError(
            f"{path.name!r} unpacks to more than there is memory: raise SANDBOX_MEMORY, or give its arrays as an .npz."
        ) from None
    except NotImplementedError:
        raise UnusableDatasetError(f"{path.name!r} is of MATLAB 7.3: save it again with the option -v7.") from None
    except Exception as error:  # noqa: BLE001 - its reader raises whatever a broken file makes it meet
        raise UnusableDatasetError(f"{path.name!r} cannot be read as {FORM} ({error!r:.200}): get it again.") from None
    if images.ndim != 4 or labels.dtype.kind not in "iu":
        raise UnusableDatasetError(f"{path.name!r} holds no images: as {FORM} it has the wrong shape.")
    return Part(split=split, images=np.moveaxis(images, 3, 0), labels=labels % 10, where=repr(path.name))
