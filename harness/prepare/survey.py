"""The first pass: every header, to decide how all images are stored and which are copies of each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.prepare.parallel import Unreadable, attempt, in_order, refuse_unreadable
from harness.prepare.pixels import Plan, bounded, ceiling_of, read_header, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.prepare.pixels import Form
    from harness.prepare.progress import Progress
    from harness.sources.source import Source

ARRAY_SIDE = 96
"""Images of one size up to this side are stored as pixels: decoding costs more than reading them."""


@dataclass(frozen=True)
class Survey:
    """What all headers say together."""

    sizes: NDArray[np.int32]
    """(N, 2): height and width of each original, upright."""
    digests: NDArray[np.uint64]
    """(N,): equal where two images are byte for byte the same."""
    image_size: tuple[int, int] | None
    """Of all images once bounded, or None where sizes vary."""
    plan: Plan

    @property
    def array_shape(self) -> tuple[int, int, int] | None:
        """(C, H, W) where images are stored as pixels, else None."""
        return (self.plan.channels, *self.image_size) if self.image_size and self.plan.form == "array" else None

    def summary(self) -> dict[str, list[int]]:
        """Of the originals, by area."""
        order = np.argsort(self.sizes.prod(axis=1, dtype=np.int64), kind="stable")
        ranks = {"smallest": 0, "median": len(order) // 2, "largest": -1}
        return {name: self.sizes[order[rank]].tolist() for name, rank in ranks.items()}


def survey(source: Source, max_side: int, progress: Progress) -> Survey:
    """Read every header.

    Raises:
        UnusableDatasetError: some images cannot be read; it names the first of all that cannot, in any pass.
    """
    total = len(source.labels)
    sizes, digests = np.zeros((total, 2), np.int32), np.zeros(total, np.uint64)
    grey, peak = True, 0.0
    unreadable: dict[int, Unreadable] = {}
    headers = in_order(partial(attempt, source, read_header), range(total))
    for index, header in enumerate(progress.count(headers, "looking at", total)):
        if isinstance(header, Unreadable):
            unreadable[index] = header
            continue
        sizes[index] = header.height, header.width
        digests[index] = header.digest
        grey &= header.grey
        peak = max(peak, header.peak)
    image_size = _one_size(sizes, max_side)
    form: Form = "array" if image_size and max(image_size) <= ARRAY_SIDE else "encoded"
    plan = Plan(form, 1 if grey else 3, ceiling_of(peak), max_side)
    if unreadable:
        refuse_unreadable(_with_truncated(source, plan, unreadable))
    return Survey(sizes, digests, image_size, plan)


def _one_size(sizes: NDArray[np.int32], max_side: int) -> tuple[int, int] | None:
    stored = {bounded(height, width, max_side) for height, width in np.unique(sizes, axis=0).tolist()}
    return stored.pop() if len(stored) == 1 else None


def _with_truncated(source: Source, plan: Plan, unreadable: dict[int, Unreadable]) -> list[Unreadable]:
    """Decode the others too, so that one refusal names all that is broken."""
    rest = [index for index in range(len(source.labels)) if index not in unreadable]
    stored = in_order(partial(attempt, source, partial(store, plan=plan, measure=False)), rest)
    truncated = [result for result in stored if isinstance(result, Unreadable)]
    return [*unreadable.values(), *truncated]
