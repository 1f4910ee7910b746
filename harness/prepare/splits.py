"""Who trains and who is held back: train, validation and test, as positions in the source.

A split that the source gives is kept. What has to be made is stratified (each class gives its share, to the nearest
image), seeded, and never parts byte-for-byte copies of one image: a copy in training would answer for its twin in the
test. Copies that the source filed under different classes stay in training. Groups that the source names are not parted
either; classes then give about their share, see groups.py. Every split comes out shuffled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from harness.prepare.copies import among, filed_twice
from harness.prepare.groups import Units, find_units, hold_back, refuse_single
from harness.sources.source import SPLITS, UnusableDatasetError, links_skipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.sources.source import Source

    Positions: TypeAlias = NDArray[np.int32]

TEST_SHARE = 0.2
"""Paper, section 4: 80/20 where a dataset has no test split."""
VALIDATION_SHARE = 0.1
"""Of what is left for training."""
LEAST_IMAGES = 10
"""A class with fewer training images cannot give one to each split and still be learnt."""
NAMED = 10


@dataclass(frozen=True)
class Division:
    """The splits, and how they came about."""

    positions: dict[str, Positions]
    rule: str


def divide(source: Source, digests: NDArray[np.uint64], seed: int) -> Division:
    """Keep or make every split.

    Raises:
        UnusableDatasetError: a class is too small for it.
    """
    _refuse_small_classes(source)
    rng = np.random.default_rng(seed)
    train, validation, test = (_places(source.given == code) for code in range(len(SPLITS)))
    carving = _Carving(source, digests, rng) if source.groups is None else _GroupCarving(source, digests, rng)
    about, kept = ("", "copies of an image") if source.groups is None else ("about ", "groups and copies of an image")
    rule = []
    if not test.size and validation.size:
        validation, test = test, validation
        rule.append("the given validation split is the test split")
    elif test.size:
        rule.append("the given test split is kept")
    if not test.size:
        train, test = carving.carve(train, TEST_SHARE, keep=2)
        rule.append(f"{about}{TEST_SHARE:.0%} of each class became the test split")
    if validation.size:
        rule.append("the given validation split is kept")
    else:
        train, validation = carving.carve(train, VALIDATION_SHARE, keep=1)
        rule.append(f"{about}{VALIDATION_SHARE:.0%} of each class in the rest of train became the validation split")
    for part in (train, validation, test):
        rng.shuffle(part)
    sentence = ", ".join(rule)
    return Division(
        dict(zip(SPLITS, (train, validation, test), strict=True)),
        f"{sentence[0].upper()}{sentence[1:]}; {kept} stay together where a split is made; seed {seed}.",
    )


def _places(which: NDArray[np.bool_]) -> Positions:
    """Where it is true; in half of the memory that `np.flatnonzero` takes."""
    return np.arange(len(which), dtype=np.int32)[which]


def _refuse_small_classes(source: Source) -> None:
    if len(source.classes) < 2:
        raise UnusableDatasetError(
            f"There is a single class, {source.classes[0]!r}, and a classifier needs two: add one, or if its "
            f"sub-folders are the classes, give that folder itself{links_skipped(source.skipped)}."
        )
    counts = np.bincount(source.labels[source.given == 0], minlength=len(source.classes))
    small = [f"{source.classes[label]!r} has {counts[label]}" for label in np.flatnonzero(counts < LEAST_IMAGES)]
    if small:
        more = f" and {len(small) - NAMED} classes more" if len(small) > NAMED else ""
        raise UnusableDatasetError(
            f"A class needs at least {LEAST_IMAGES} images to train on: {', '.join(small[:NAMED])}{more}; "
            f"add images or remove the class{links_skipped(source.skipped)}."
        )


@dataclass(frozen=True)
class _Carving:
    source: Source
    digests: NDArray[np.uint64]
    rng: np.random.Generator

    def carve(self, positions: Positions, share: float, *, keep: int) -> tuple[Positions, Positions]:
        """Part a share of every class from the rest, and leave it at least `keep` different images."""
        shared = filed_twice(self.digests, self.source.labels, positions)
        carved = np.zeros(len(self.source.labels), np.bool_)
        for label, name in enumerate(self.source.classes):
            members = positions[(self.source.labels == label)[positions]]
            quota = max(1, int(len(members) * share + 0.5))
            alone = members[~among(self.digests[members], shared)]
            carved[self._choose(alone, quota, keep, name)] = True
        return positions[~carved[positions]], positions[carved[positions]]

    def _choose(self, members: Positions, quota: int, keep: int, name: str) -> Positions:
        """Whole groups of copies, in random order, as long as they fit the quota; at least the smallest group."""
        _, group, sizes = np.unique(self.digests[members], return_inverse=True, return_counts=True)
        if len(sizes) <= keep:
            raise UnusableDatasetError(
                f"Class {name!r} has {len(sizes)} different images that are in no other class, too few to split "
                f"({len(members)} with copies): add images or remove the class."
            )
        chosen: list[int] = []
        for candidate in self.rng.permutation(len(sizes)):
            if sizes[candidate] <= quota and len(chosen) < len(sizes) - keep:
                chosen.append(candidate)
                quota -= sizes[candidate]
        return members[np.isin(group, chosen or [int(sizes.argmin())])]


@dataclass(frozen=True)
class _GroupCarving:
    source: Source
    digests: NDArray[np.uint64]
    rng: np.random.Generator

    def carve(self, positions: Positions, share: float, *, keep: int) -> tuple[Positions, Positions]:
        """Part about a share of every class from the rest, and leave it at least `keep` units where it has more."""
        units = self._units(positions)
        if len(positions) == np.count_nonzero(self.source.given == 0):
            refuse_single(units, self.source.classes)
        held = hold_back(units, share, keep, self.rng)[units.number]
        if not held.any():
            raise UnusableDatasetError(
                "Each group holds all that is left of a class to train on, so none can become the validation split: "
                "add images of other groups, or look at DATASET_GROUP_COLUMN."
            )
        return positions[~held], positions[held]

    def _units(self, positions: Positions) -> Units:
        labels, digests = self.source.labels, self.digests
        groups: Any = self.source.groups
        twice = filed_twice(digests, labels, positions)
        return find_units(labels[positions], groups[positions], digests[positions], twice)
