"""Where batches are made: in this process where that costs next to nothing, else in loader processes, ahead of time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from harness.examples import Order
from harness.randomness import mixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from harness.examples import Examples

CHEAP_PASS = 0.25
"""Seconds: a pass over the images that costs less is made here; loader processes take about as long to start."""
CHEAP_IMAGE = 20e-6
"""Seconds: an image that costs less is made here; to hand it over between processes would cost as much."""
AHEAD = 2
"""Batches that each loader process makes ahead."""


class Shuffle:
    """The orders of one epoch after the other: shuffled, or drawn with replacement by weight.

    The last, smaller batch is dropped unless it is the only one. Epochs are counted by the caller, so that batches of
    another size go on where these were.
    """

    def __init__(
        self, images: int, batch_size: int, seed: int, epochs: Iterator[int], weights: Tensor | None = None
    ) -> None:
        self._images = images
        self._batch_size = min(batch_size, images)
        self._seed = seed
        self._epochs = epochs
        self._weights = weights

    def __len__(self) -> int:
        return self._images // self._batch_size

    def __iter__(self) -> Iterator[Order]:
        epoch = next(self._epochs)
        chosen = self._chosen(torch.Generator().manual_seed(mixed(self._seed, epoch)))
        for number in range(len(self)):
            part = chosen[number * self._batch_size : (number + 1) * self._batch_size]
            yield Order(mixed(self._seed, epoch, number), part)

    def _chosen(self, generator: torch.Generator) -> NDArray[np.int64]:
        if self._weights is None:
            return torch.randperm(self._images, generator=generator).numpy()
        return torch.multinomial(self._weights, self._images, replacement=True, generator=generator).numpy()


class InOrder:
    """The orders of one pass over all images, none dropped."""

    def __init__(self, images: int, batch_size: int) -> None:
        self._starts = range(0, images, batch_size)
        self._images = np.arange(images)
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Order]:
        return (Order(0, self._images[start : start + self._batch_size]) for start in self._starts)


class Alike(InOrder):
    """The same in batches of one size, as even as can be; the last one is filled up with the last image.

    A product of few rows adds up in another order: by a small last batch one would see where in the order it was.
    """

    def __init__(self, images: int, batch_size: int) -> None:
        batches = -(-images // batch_size)
        super().__init__(images, -(-images // batches))

    def __iter__(self) -> Iterator[Order]:
        last = len(self._images) - 1
        for start in self._starts:
            yield Order(0, np.minimum(np.arange(start, start + self._batch_size), last))


class Here:
    """Batches made in this process."""

    def __init__(self, examples: Examples, orders: Iterable[Order]) -> None:
        self._examples = examples
        self._orders = orders

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return map(self._examples.__getitems__, iter(self._orders))


def load(
    examples: Examples, orders: Shuffle | InOrder, workers: int, *, again: bool, pinned: bool
) -> Iterable[tuple[Tensor, Tensor]]:
    """Make these batches; `again`: more than one pass will be asked for, so loader processes stay."""
    if workers == 0:
        return Here(examples, orders)
    loader: DataLoader[Any] = DataLoader(
        examples,
        batch_sampler=orders,  # type: ignore[arg-type] # an order is more than a list of indices
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pinned,
        persistent_workers=again,
        prefetch_factor=AHEAD,
        multiprocessing_context="fork",
        generator=torch.Generator(),  # the global one is the component's
    )
    return loader


def workers_for(examples: Examples, batch_size: int, most: int) -> int:
    """How many loader processes pay; 0: the batches are made here."""
    seconds = examples.seconds_per_image
    if seconds < CHEAP_IMAGE or seconds * len(examples) < CHEAP_PASS:
        return 0
    return min(most, _batches_that_fit(examples, batch_size) // (AHEAD + 1))


def _batches_that_fit(examples: Examples, batch_size: int) -> int:
    """Into half of the shared memory, through which they are handed over; one that does not fit kills its process."""
    image, _ = examples.__getitems__(examples.spread(1))
    free = os.statvfs("/dev/shm")  # noqa: S108 - the kernel's shared memory, no temporary file
    return free.f_bavail * free.f_frsize // 2 // max(1, batch_size * image.nbytes)


def _as_it_is(batch: Any) -> Any:
    return batch
