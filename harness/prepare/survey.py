"""The first pass: every header, to decide how all images are stored and which are copies of each other."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from harness.prepare.copies import among, repeated
from harness.prepare.numbering import AllImages
from harness.prepare.parallel import Unreadable, attempt, in_order, refuse_unreadable
from harness.prepare.pixels import Plan, bounded, ceiling_of, digest, peek, read_header, store
from harness.prepare.properties import Properties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.prepare.pixels import Form, Header
    from harness.prepare.progress import Progress
    from harness.sources.source import Source

SIZES = 1 << 32
"""No file that is opened is so large, and of a million digests one is smaller in 4,000 datasets: it is made again."""
ARRAY_SIDE = 96
"""Images of one size up to this side are stored as pixels: decoding costs more than reading them."""


@dataclass(frozen=True)
class Survey:
    """What all headers say together."""

    sizes: Counter[tuple[int, int]]
    """How many originals with a label have this height and width, upright."""
    image_size: tuple[int, int] | None
    """Of all images once bounded, or None where sizes vary."""
    plan: Plan

    @property
    def array_shape(self) -> tuple[int, int, int] | None:
        """(C, H, W) where images are stored as pixels, else None."""
        return (self.plan.channels, *self.image_size) if self.image_size and self.plan.form == "array" else None

    def summary(self) -> dict[str, list[int]]:
        """Of the originals, by area."""
        sizes = sorted(self.sizes, key=prod)
        below = np.cumsum([self.sizes[size] for size in sizes])
        ranks = {"smallest": 0, "median": below[-1] // 2, "largest": below[-1] - 1}
        return {name: list(sizes[np.searchsorted(below, rank, side="right")]) for name, rank in ranks.items()}


@dataclass(frozen=True)
class Each:
    """What is kept of every header until the splits are made."""

    digests: NDArray[np.uint64]
    """Of what has labels (N,), equal where two images are byte for byte the same."""
    properties: Properties


def survey(source: Source, max_side: int, progress: Progress) -> tuple[Survey, Each]:
    """Read every header.

    Raises:
        UnusableDatasetError: some images cannot be read; it names the first of all that cannot, in any pass.
    """
    images = AllImages(source)
    total = len(images)
    sizes: Counter[tuple[int, int]] = Counter()
    unlabelled: set[tuple[int, int]] = set()
    each = Each(np.zeros(images.labelled, np.uint64), Properties(images.labelled))
    grey, peak = True, 0.0
    unreadable: dict[int, Unreadable] = {}
    headers = in_order(partial(_look, images), range(total))
    for index, header in enumerate(progress.count(headers, "looking at", total)):
        if isinstance(header, Unreadable):
            unreadable[index] = header
            continue
        if index < images.labelled:
            sizes[header.height, header.width] += 1
            each.digests[index] = header.bytes if header.digest is None else header.digest
            each.properties.note(index, header)
        else:
            unlabelled.add((header.height, header.width))
        grey &= header.grey
        peak = max(peak, header.peak)
    stored = {bounded(height, width, max_side) for height, width in sizes.keys() | unlabelled}
    image_size = stored.pop() if len(stored) == 1 else None
    form: Form = "array" if image_size and max(image_size) <= ARRAY_SIDE else "encoded"
    plan = Plan(form, 1 if grey else 3, ceiling_of(peak), max_side)
    if unreadable:
        refuse_unreadable(_with_truncated(images, plan, unreadable))
    _tell_apart(images, each.digests)
    return Survey(sizes, image_size, plan), each


def _look(images: AllImages, index: int) -> Header | Unreadable:
    """The header of an image; what is wrong with one is found by reading it whole."""
    if images.files and index < images.labelled:
        with suppress(Exception):  # Pillow's readers raise whatever a broken file makes them meet
            if header := peek(images.files.path(index)):
                return header
    return attempt(images, read_header, index)


def _tell_apart(images: AllImages, digests: NDArray[np.uint64]) -> None:
    """Give those their digest whose file was not read to its end, and which have the size of another in its place."""
    if not images.files:
        return
    unread = np.flatnonzero(digests < SIZES)
    same = unread[among(digests[unread], repeated(np.sort(digests[unread])))]
    whole = in_order(partial(attempt, images, digest), same.tolist())
    for index, found in zip(same, whole, strict=True):
        if isinstance(found, Unreadable):
            refuse_unreadable([found])
        digests[index] = found


def _with_truncated(images: AllImages, plan: Plan, unreadable: dict[int, Unreadable]) -> list[Unreadable]:
    """Decode the others too, so that one refusal names all that is broken."""
    rest = [index for index in range(len(images)) if index not in unreadable]
    stored = in_order(partial(attempt, images, partial(store, plan=plan, measure=False)), rest)
    truncated = [result for result in stored if isinstance(result, Unreadable)]
    return [*unreadable.values(), *truncated]
