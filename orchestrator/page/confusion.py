"""Which classes are taken for which: the whole matrix of a few classes, the worst corner of that of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestrator.page.records import FinalScore

LARGEST = 20
"""Classes of a matrix that is shown whole; more columns do not fit a screen."""
PAIRS = 12
WEAKEST, STRONGEST = 30, 10
"""Of many classes, those whose accuracy is shown at once."""
SHADES = 9


@dataclass(frozen=True)
class Cell:
    """How many images of a class were taken for another."""

    images: int
    shade: int
    """0..9, of its row."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A true class."""

    name: str
    cells: tuple[Cell, ...]
    right: int
    """The place of its own cell."""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Rows are what is, columns what was said."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two classes, of which one is taken for the other."""

    truth: str
    said: str
    images: int
    of: int


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """Of a class."""

    name: str
    images: int
    accuracy: float


def confusion_matrix(score: FinalScore, classes: Sequence[str]) -> Matrix | None:
    """All classes, or those that are confused most; None where the numbers do not fit together."""
    counts = _counts(score, classes)
    if counts is None:
        return None
    chosen = list(range(len(classes)))
    if len(classes) > LARGEST:
        wrong = counts - np.diag(counts.diagonal())
        chosen = sorted(np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:LARGEST].tolist())
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = tuple(
        Row(
            name=classes[truth],
            cells=tuple(Cell(int(counts[truth, said]), _shade(shares[truth, said])) for said in chosen),
            right=place,
        )
        for place, truth in enumerate(chosen)
    )
    return Matrix(columns=tuple(classes[said] for said in chosen), rows=rows, whole=len(chosen) == len(classes))


def worst_pairs(score: FinalScore, classes: Sequence[str]) -> list[Pair]:
    """Which class is taken for which, most often first."""
    counts = _counts(score, classes)
    if counts is None:
        return []
    wrong = counts - np.diag(counts.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS].tolist()
    places = [divmod(place, len(classes)) for place in order]
    return [
        Pair(truth=classes[truth], said=classes[said], images=int(wrong[truth, said]), of=int(counts[truth].sum()))
        for truth, said in places
        if wrong[truth, said]
    ]


def class_accuracies(score: FinalScore, classes: Sequence[str]) -> tuple[list[ClassAccuracy], int]:
    """Each class, the weakest first, and how many are left out of the middle."""
    counts = _counts(score, classes)
    if counts is None or len(score.per_class) != len(classes):
        return [], 0
    images = counts.sum(axis=1)
    listed = [
        ClassAccuracy(name=name, images=int(images[place]), accuracy=score.per_class[place])
        for place, name in enumerate(classes)
    ]
    listed.sort(key=lambda each: each.accuracy)
    left_out = max(0, len(listed) - WEAKEST - STRONGEST)
    return (listed[:WEAKEST] + listed[-STRONGEST:] if left_out else listed), left_out


def _counts(score: FinalScore, classes: Sequence[str]) -> NDArray[np.int64] | None:
    if {len(classes), *map(len, score.confusion)} != {len(score.confusion)}:
        return None
    return np.array(score.confusion, dtype=np.int64)


def _shade(share: float) -> int:
    return 0 if share == 0 else 1 + min(SHADES - 1, int(share * SHADES))
