"""The contact sheet of a dataset, `sheet.png`: some training images of each class, captioned with its name."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sheet import CELLS, Cell, draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.images import Images

SHEET = "sheet.png"
COLUMNS = 8
WIDE = 12
"""Columns of the widest sheet: 1,400 pixels, of the 1,568 that Anthropic looks at."""


def write_sheet(path: Path, images: Images, labels: NDArray[np.integer[Any]], classes: Sequence[str]) -> None:
    """Draw up to 48 of these images (N,), the classes in turn."""
    cells = [Cell(index, classes[labels[index]]) for index in choose_in_turn(labels, len(classes))]
    draw(images, cells, min(columns(len(classes)), len(cells))).save(path)
    path.chmod(0o644)


def choose_in_turn(labels: NDArray[np.integer[Any]], classes: int) -> list[int]:
    """Indices into labels (N,): as many of each class as fit, spread over all that it has, the classes in turn."""
    shown = min(classes, CELLS)
    spread = [_spread(np.flatnonzero(labels == label), CELLS // shown) for label in range(shown)]
    return [index for turn in zip_longest(*spread) for index in turn if index is not None]


def _spread(positions: NDArray[np.int64], count: int) -> list[int]:
    """So many of them at equal distances, the first included; all where there are fewer."""
    count = min(count, len(positions))
    return [int(positions[step * len(positions) // count]) for step in range(count)]


def columns(classes: int) -> int:
    """Each class keeps to its own columns where that is not too wide."""
    if classes <= COLUMNS:
        return COLUMNS // classes * classes
    return classes if classes <= WIDE else COLUMNS
