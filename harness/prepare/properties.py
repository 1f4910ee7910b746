"""Does what is no picture tell the class? Size, aspect, format, bytes and colour of the files as they came.

Where it does, the classes were collected in different ways, and a network may learn those instead of what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.prepare.pixels import Header
    from harness.prepare.splits import Positions

NAMES = ("size in pixels", "aspect ratio", "file format", "file size", "lack of colour")
MOST_VALUES = 4096
"""Different sizes that are told apart; later ones count as one."""
SUSPICIOUS = 0.5
"""Share of the most frequent class's errors that a rule on one property takes away."""
TOLD = 0.9
"""F1 score of a class from which on a property tells it."""
LEAST = 5
"""Images that such a class is measured on."""
NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A property that tells the class, learnt on half of the training images and measured on the other half."""

    property: str
    accuracy: float
    majority: float
    """What the most frequent class for all would have."""
    classes: list[str]
    """Some that it tells, each alone from all others."""


class Properties:
    """What the survey saw of each image, ten bytes."""

    def __init__(self, total: int) -> None:
        self._codes = np.zeros((total, len(NAMES)), np.uint16)
        self._numbers: list[dict[object, int]] = [{} for _ in NAMES]

    def note(self, index: int, header: Header) -> None:
        """Of one image: bytes in steps of 9 %, aspect of 4 %."""
        aspect, weight = round(16 * log2(header.width / header.height)), round(8 * log2(header.bytes or 1))
        seen = ((header.height, header.width), aspect, header.format, weight, header.grey)
        for column, value in enumerate(seen):
            numbers = self._numbers[column]
            known = len(numbers) < MOST_VALUES or value in numbers
            self._codes[index, column] = numbers.setdefault(value, len(numbers)) if known else MOST_VALUES

    def telling(self, train: Positions, labels: NDArray[np.int64], classes: Sequence[str]) -> list[Telling]:
        """Those that tell the class of training images, which come in random order."""
        truth = labels[train]
        found = []
        for column, name in enumerate(NAMES):
            if len(self._numbers[column]) > 1 and (told := _measure(self._codes[train, column], truth, classes, name)):
                found.append(told)
        return found


def _measure(codes: NDArray[np.uint16], truth: NDArray[np.int64], classes: Sequence[str], name: str) -> Telling | None:
    """Name the class most frequent among images of the same value."""
    table = np.zeros((int(codes.max()) + 1, len(classes)), np.int32)
    np.add.at(table, (codes[::2], truth[::2]), 1)
    frequent = int(table.sum(axis=0).argmax())
    rule = np.where(table.any(axis=1), table.argmax(axis=1), frequent)
    said, true = rule[codes[1::2]], truth[1::2]
    hits, named, there = (np.bincount(which, minlength=len(classes)) for which in (true[said == true], said, true))
    score = 2 * hits / np.maximum(named + there, 1)
    told = np.flatnonzero((score >= TOLD) & (there >= LEAST) & (named < len(true)))
    accuracy, majority = hits.sum() / len(true), there[frequent] / len(true)
    if not told.size and accuracy - majority < SUSPICIOUS * (1 - majority):
        return None
    best = [classes[label] for label in told[np.argsort(-score[told], kind="stable")][:NAMED]]
    return Telling(property=name, accuracy=round(float(accuracy), 4), majority=round(float(majority), 4), classes=best)
