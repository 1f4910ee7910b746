"""Datasets that are good, to be spoilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("cat", "dog")
COUNT = 12
"""Images of each class: enough to train on."""


def picture(seed: int) -> Image.Image:
    """Random colours."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8))


def class_folder(folder: Path, count: int = COUNT, first: int = 0) -> Path:
    folder.mkdir(parents=True)
    for number in range(first, first + count):
        picture(number).save(folder / f"{number}.png")
    return folder


def pets(root: Path) -> Path:
    """Two classes, of images that are all different."""
    for number, name in enumerate(CLASSES):
        class_folder(root / name, first=number * COUNT)
    return root


def loose(root: Path) -> list[str]:
    """Images in one folder without classes; return their names."""
    return sorted(path.name for path in class_folder(root, 2 * COUNT).iterdir())
