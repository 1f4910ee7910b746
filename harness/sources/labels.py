"""What each image shows, however it was written down: numbers, one-hot rows or words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


LONGEST = 200
"""Characters of a class's name."""


def number_classes(
    given: Sequence[NDArray[Any]], names: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Name the classes that occur, sorted, and number the labels by them.

    `given`: of each part (N,), (N, 1), or (N, K) with a single one in each row; `names`: what 0, 1 ... mean, if known.

    Raises:
        UnusableDatasetError: these are no labels of classes.
    """
    flat = [_flat(labels) for labels in given]
    values, numbers = np.unique(np.concatenate(flat), return_inverse=True)
    classes = tuple(_name(value, names) for value in values.tolist())
    odd = [name for name in classes if not name or not name.isprintable() or len(name) > LONGEST]
    if odd:
        raise UnusableDatasetError(
            f"Class {odd[0][:LONGEST]!a} is no name to be shown: give printable ones of up to {LONGEST} characters."
        )
    bounds = np.cumsum([len(labels) for labels in flat])[:-1]
    return classes, np.split(numbers.astype(np.int64), bounds)


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    """(N,), of whole numbers or words."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise UnusableDatasetError(
                f"Labels have {labels.shape[1]} columns and not a single 1 in each row, as if an image showed several "
                "classes or none: give one class for each image."
            )
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise UnusableDatasetError(f"Labels have the shape {labels.shape}: give one class for each image.")
    if labels.dtype.kind in "US":
        return labels.astype(str)
    if labels.dtype.kind not in "biuf" or not np.equal(np.mod(labels, 1), 0).all():
        raise UnusableDatasetError("Labels are neither whole numbers nor words: give one class for each image.")
    return labels.astype(np.int64)


def _name(value: int | str, names: Sequence[str]) -> str:
    known = isinstance(value, int) and 0 <= value < len(names)
    return names[int(value)] if known else str(value)
