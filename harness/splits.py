"""The tuning split: carved from the training images, for `run.validate`.

It depends on the labels alone, not on the run's seed, so that learning curves of different runs can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FRACTION = 0.1
LARGEST = 5000
"""Images: one standard error is then below 0.7 points, and a larger split would only cost time every epoch."""
SPARE = 5
"""A class with fewer images gives none away."""


def tuning_counts(class_counts: Sequence[int]) -> tuple[int, ...]:
    """How many images of each class are held out."""
    fraction = min(FRACTION, LARGEST / max(1, sum(class_counts)))
    return tuple(max(1, round(count * fraction)) if count >= SPARE else 0 for count in class_counts)


def tuning_indices(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Which images are held out, ascending."""
    random = np.random.default_rng(0)
    counts = tuning_counts(np.bincount(labels, minlength=classes).tolist())
    held = [random.permutation(np.flatnonzero(labels == label))[:count] for label, count in enumerate(counts) if count]
    return np.sort(np.concatenate(held)) if held else np.empty(0, dtype=np.int64)
