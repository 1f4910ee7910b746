"""Images through a transform, a batch at a time: one by one, or all at once where that gives the very same.

The contract's transforms take one image. Most that draw no random number (scale, normalize, pad, resize) take a batch
just as well, at a tenth of the cost or less for small images: this is found out by trying.
"""

from __future__ import annotations

from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from harness.randomness import same, seeded_aside, state
from harness.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.contract import ImageTransform
    from harness.images import Images

TRIED = 8
"""Images on which a transform is tried."""
TIMED = 16
"""Images on which the cost of loading and transforming is measured."""


def without_labels(images: Images, transform: ImageTransform, *, one_size: bool) -> Examples:
    """All images of a split, in their order."""
    count = len(images)
    return Examples(images, np.arange(count), np.zeros(count, dtype=np.int64), transform, one_size=one_size)


class Order(NamedTuple):
    """What one batch is made of; sent to a loader process."""

    seed: int
    indices: NDArray[np.int64]


class Examples(Dataset[Any]):
    """Some images of a split, in the transform's form."""

    def __init__(
        self,
        images: Images,
        indices: NDArray[np.int64],
        labels: NDArray[np.int64],
        transform: ImageTransform,
        *,
        one_size: bool,
    ) -> None:
        """`labels` are of all images of the split, `indices` say which of them these are."""
        self.labels = torch.from_numpy(labels[indices])
        self._images = images
        self._indices = indices
        self.transform = transform
        self.batched = one_size and self._takes_batches()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitems__(self, order: Order) -> tuple[Tensor, Tensor]:
        """Load a batch: float (N, ...) and int64 (N,)."""
        indices = self._indices[order.indices]
        if self.batched:
            images = self.transform(torch.from_numpy(self._images.batch(indices)))
        else:
            with seeded_aside(order.seed), one_thread():
                images = torch.stack([self.transform(self._original(index)) for index in indices])
        return images.float(), self.labels[order.indices]

    def spread(self, count: int) -> Order:
        """Take so many examples from all over, or all there are."""
        return Order(0, np.unique(np.linspace(0, len(self) - 1, count).astype(np.int64)))

    def originals(self, order: Order) -> list[Tensor]:
        """The images before the transform: uint8 (C, H, W)."""
        return [self._original(index) for index in self._indices[order.indices]]

    @cached_property
    def seconds_per_image(self) -> float:
        """What loading and transforming costs one process; the first, cold batch does not count."""
        order = self.spread(TIMED)
        self.__getitems__(order)
        began = perf_counter()
        self.__getitems__(order)
        return (perf_counter() - began) / len(order.indices)

    def _original(self, index: np.int64) -> Tensor:
        return torch.from_numpy(np.require(self._images.image(int(index)), requirements=["C", "W"]))

    def _takes_batches(self) -> bool:
        """Whether the transform draws nothing and treats a batch as it treats each image.

        Two other sizes of batch are tried, too: a transform that asks for `image.shape[0]` must not pass by chance.
        """
        before = state()
        indices = self._indices[self.spread(TRIED).indices]
        try:
            single = torch.stack([self.transform(self._original(index)) for index in indices])
            equal = all(
                torch.equal(self.transform(torch.from_numpy(self._images.batch(indices[:size]))), single[:size])
                for size in (len(indices), 3, 1)
            )
        except Exception:  # noqa: BLE001 - a component's code: what it cannot do with a batch it may say in any way
            return False
        return equal and same(before, state())
