"""Which images are the same, told by their digests. `np.isin` and `np.unique` would take several times the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Digests: TypeAlias = NDArray[np.uint64]


def repeated(ordered: Digests) -> Digests:
    """Of sorted digests, each once for every time that it occurs after its first."""
    again: Digests = ordered[1:][ordered[1:] == ordered[:-1]]
    return again


def among(digests: Digests, ordered: Digests) -> NDArray[np.bool_]:
    """Which of the digests occur among these, which are sorted."""
    if not ordered.size:
        return np.zeros(len(digests), np.bool_)
    found: NDArray[np.bool_] = ordered.take(np.searchsorted(ordered, digests), mode="clip") == digests
    return found


def filed_twice(digests: Digests, labels: NDArray[np.int64], positions: NDArray[np.int32]) -> Digests:
    """Digests, sorted, that occur under more than one class at these positions."""
    ordered = digests[positions]
    ordered.sort()
    again = repeated(ordered)
    if not again.size:
        return again
    copies = positions[among(digests[positions], again)]
    copied, labels = digests[copies], labels[copies]
    order = np.lexsort((labels, copied))
    copied, labels = copied[order], labels[order]
    twice = (copied[1:] == copied[:-1]) & (labels[1:] != labels[:-1])
    return np.unique(copied[1:][twice])
