"""What each image shows, however it was written down: numbers, one-hot rows or words."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


NUMBER = re.compile(r"[-+]?\d+(\.\d*)?")
LONGEST = 200
"""Characters of a class's name."""


def number_classes(
    given: Sequence[NDArray[Any]], names: Sequence[str] = (), wheres: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Name the classes that occur, sorted, and number the labels by them.

    `given`: of each part (N,), (N, 1), or (N, K) with a single one in each row; `names`: what 0, 1 ... mean, if known;
    `wheres`: what a person calls the file of each part.

    Raises:
        UnusableDatasetError: these are no labels of classes.
    """
    flat = [_flat(labels, where) for labels, where in zip(given, wheres or repeat("The dataset"), strict=False)]
    values, numbers = np.unique(np.concatenate(flat), return_inverse=True)
    classes = tuple(_name(value, names) for value in values.tolist())
    odd = [name for name in classes if not name or not name.isprintable() or len(name) > LONGEST]
    if odd:
        raise UnusableDatasetError(
            f"Class {odd[0][:LONGEST]!a} is no name to be shown: give printable ones of up to {LONGEST} characters."
        )
    _refuse_equal_numbers(classes)
    bounds = np.cumsum([len(labels) for labels in flat])[:-1]
    return classes, np.split(numbers.astype(np.int64), bounds)


def _refuse_equal_numbers(classes: Sequence[str]) -> None:
    """Refuse numbers that were written in several ways."""
    known: dict[float, str] = {}
    for name in classes:
        if NUMBER.fullmatch(name) and known.setdefault(float(name), name) != name:
            raise UnusableDatasetError(
                f"Labels {known[float(name)]!r} and {name!r} are one number, written in two ways: write it in one."
            )


def _flat(labels: NDArray[Any], where: str) -> NDArray[Any]:
    """(N,), of whole numbers or words."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise UnusableDatasetError(
                f"{where} has labels of {labels.shape[1]} columns and not a single 1 in each row, as if an image "
                "showed several classes or none: give one class for each image."
            )
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise UnusableDatasetError(f"{where} has labels of the shape {labels.shape}: give one class for each image.")
    if labels.dtype.kind in "US":
        return labels.astype(str)
    if labels.dtype.kind not in "biuf" or not (np.isfinite(labels) & (np.floor(labels) == labels)).all():
        raise UnusableDatasetError(
            f"{where} has labels that are neither whole numbers nor words: give one class for each image."
        )
    return labels.astype(np.int64)


def _name(value: int | str, names: Sequence[str]) -> str:
    known = isinstance(value, int) and 0 <= value < len(names)
    return names[int(value)] if known else str(value)
