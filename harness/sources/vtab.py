"""The small training sets of VTAB-1k: 800 images to train on and 200 to validate, whatever there is.

VTAB takes the first ones in the order of TensorFlow Datasets, which is random and cannot be had without them; here they
are drawn by the seed, as that order would: without regard to classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRAIN, VALIDATION = 800, 200


def draw(positions: NDArray[np.int64], rng: np.random.Generator, where: str) -> tuple[NDArray[np.int64], ...]:
    """The images to train on and those to validate.

    Raises:
        UnusableDatasetError: there are too few.
    """
    wanted = TRAIN + VALIDATION
    if len(positions) < wanted:
        raise UnusableDatasetError(
            f"{where} has {len(positions)} images to train on, and VTAB-1k draws {wanted} of them: get it again."
        )
    drawn = rng.choice(positions, wanted, replace=False)
    return drawn[:TRAIN], drawn[TRAIN:]
