"""Splits that part no group (a patient, a plant) and no copies of an image, and give each class about its share.

What stays together is a unit: groups that hold copies of one image are one. Units are dealt out as by scikit-learn's
StratifiedGroupKFold (its import would cost a second and 100 MB): the most uneven first, each to the fold in which its
classes are then spread most evenly. Here that is told by the variance, which a single product gives.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from harness.prepare.copies import among
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.prepare.copies import Digests

NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Units:
    """What stays together, with the images of each class in it."""

    number: NDArray[np.int32]
    """(N,): the unit of each image."""
    free: NDArray[np.bool_]
    """(U,): those that may be held back."""
    firsts: NDArray[np.int64]
    """(U + 1,): where a unit's entries in the next two begin."""
    labels: NDArray[np.int64]
    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """(C,): images of each class."""

    def of(self, unit: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The classes in it, and how many images of each."""
        entries = slice(self.firsts[unit], self.firsts[unit + 1])
        return self.labels[entries], self.counts[entries]

    def holders(self, label: int) -> list[int]:
        """The units with this class."""
        units: list[int] = (
            np.searchsorted(self.firsts, np.flatnonzero(self.labels == label), side="right") - 1
        ).tolist()
        return units

    @cached_property
    def by_class(self) -> NDArray[np.int64]:
        """(C,): how many units have each class."""
        return np.bincount(self.labels, minlength=len(self.sizes))


def find_units(labels: NDArray[np.int64], groups: NDArray[np.int32], digests: Digests, twice: Digests) -> Units:
    """Find what stays together; `twice`: digests of copies under several classes, whose units are not free."""
    number = np.unique(_joined(groups, digests), return_inverse=True)[1].astype(np.int32)
    sizes = np.bincount(labels)
    keys, counts = np.unique(number.astype(np.int64) * len(sizes) + labels, return_counts=True)
    total = int(number.max()) + 1
    free = np.ones(total, np.bool_)
    free[number[among(digests, twice)]] = False
    firsts = np.searchsorted(keys, np.arange(total + 1) * len(sizes))
    return Units(number=number, free=free, firsts=firsts, labels=keys % len(sizes), counts=counts, sizes=sizes)


def _joined(groups: NDArray[np.int32], digests: Digests) -> NDArray[np.int32]:
    """Of each image one group that stands for all that its group is joined with by copies."""
    order = np.argsort(digests)
    copies = digests[order][1:] == digests[order][:-1]
    parents = array("i", range(int(groups.max()) + 1))

    def top(group: int) -> int:
        while parents[group] != group:
            parents[group] = group = parents[parents[group]]
        return group

    for one, other in zip(groups[order[:-1][copies]], groups[order[1:][copies]], strict=True):
        parents[top(one)] = top(other)
    tops: NDArray[np.int32] = np.fromiter(map(top, range(len(parents))), np.int32, len(parents))[groups]
    return tops


def hold_back(units: Units, share: float, keep: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose the units, (U,), of about this share of each class.

    Each class keeps `keep` units if it has more, else all but one; a class with a single unit keeps that.
    """
    folds = round(1 / share)
    fold = _deal(units, folds, rng)
    need = np.clip(units.by_class - 1, 1, keep)
    choices = [_Choice.begin(units, share, need).filled(np.flatnonzero(fold == each)) for each in range(folds)]
    return min(choices, key=_Choice.deviation).held


def _deal(units: Units, folds: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """(U,): the fold of each unit, -1 of those that are not free."""
    dealt = np.full(len(units.free), -1, np.int8)
    loads, totals = np.zeros((folds, len(units.sizes))), [0] * folds
    for unit in _most_uneven_first(units, rng):
        labels, counts = units.of(unit)
        rise = (loads[:, labels] @ (counts / units.sizes[labels] ** 2)).tolist()
        best = min(range(folds), key=lambda each: (rise[each], totals[each]))
        loads[best, labels] += counts
        totals[best] += int(counts.sum())
        dealt[unit] = best
    return dealt


def _most_uneven_first(units: Units, rng: np.random.Generator) -> NDArray[np.int64]:
    """The free units, by the variance of their classes' counts; chance decides among equals."""
    classes = len(units.sizes)
    mean = np.add.reduceat(units.counts, units.firsts[:-1]) / classes
    variance = np.add.reduceat(units.counts**2, units.firsts[:-1]) / classes - mean**2
    order = rng.permutation(np.flatnonzero(units.free))
    return order[np.argsort(-variance[order], kind="stable")]


@dataclass(frozen=True)
class _Choice:
    """Units that may be held back, and what that leaves."""

    units: Units
    share: float
    need: NDArray[np.int64]
    """(C,): units that each class keeps."""
    held: NDArray[np.bool_]
    left: NDArray[np.int64]
    """(C,): units of each class that are not held."""
    counts: NDArray[np.int64]
    """(C,): images that are."""

    @classmethod
    def begin(cls, units: Units, share: float, need: NDArray[np.int64]) -> _Choice:
        nothing = np.zeros(len(units.free), np.bool_)
        return cls(units, share, need, nothing, units.by_class.copy(), np.zeros_like(units.sizes))

    def filled(self, members: NDArray[np.int64]) -> _Choice:
        """Hold what can be of these; then, for each class that has none, the unit that fits best."""
        for unit in members.tolist():
            self._hold(unit)
        for label in np.flatnonzero(self.counts == 0).tolist():
            if self.counts[label] == 0:
                self._hold(min(filter(self._may, self.units.holders(label)), key=self._worse, default=-1))
        return self

    def deviation(self) -> float:
        """How far the classes are from their share."""
        return float(((self.counts / self.units.sizes - self.share) ** 2).sum())

    def _may(self, unit: int) -> bool:
        labels, _ = self.units.of(unit)
        return bool(self.units.free[unit] and not self.held[unit] and (self.left[labels] > self.need[labels]).all())

    def _hold(self, unit: int) -> None:
        if unit >= 0 and self._may(unit):
            labels, counts = self.units.of(unit)
            self.held[unit] = True
            self.left[labels] -= 1
            self.counts[labels] += counts

    def _worse(self, unit: int) -> float:
        """By how much the deviation grows with it."""
        labels, counts = self.units.of(unit)
        before, size = self.counts[labels], self.units.sizes[labels]
        return float((((before + counts) / size - self.share) ** 2 - (before / size - self.share) ** 2).sum())


def refuse_single(units: Units, names: tuple[str, ...]) -> None:
    """Name classes that cannot be on two sides.

    Raises:
        UnusableDatasetError: there are such.
    """
    free = np.bincount(units.labels[np.repeat(units.free, np.diff(units.firsts))], minlength=len(names))
    single = [repr(names[label]) for label in np.flatnonzero((units.by_class < 2) | (free < 1))]
    if single:
        more = f" and {len(single) - NAMED} classes more" if len(single) > NAMED else ""
        raise UnusableDatasetError(
            f"All images of class {', '.join(single[:NAMED])}{more} lie in one group, or in groups that must stay "
            "in training, and groups are never parted: add images of other groups, remove the class, or look at "
            "DATASET_GROUP_COLUMN."
        )
