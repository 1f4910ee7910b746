"""`dataset.json`: everything about a prepared dataset that is not an image."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import PIL

from harness.prepare.copies import among, repeated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.prepare.copies import Digests
    from harness.prepare.pixels import Form
    from harness.prepare.profile import Profile
    from harness.sources.unlabelled import Unlabelled

VERSION = 1
"""Of the on-disk form."""


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """What is known of one split."""

    images: int
    counts: list[int]
    """Images of each class."""


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """How many images have exactly the pixels of another. Held-back ones among them measure memory, not skill."""

    within_train: int
    validation: int
    """Validation images that train holds too."""
    test: int
    """Test images that train or validation holds too."""


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What the groups (patients, plants) that the user named came to. Only splits that were given can part them."""

    count: int
    validation: int
    """Validation images whose group train holds too."""
    test: int
    """Test images whose group train or validation holds too."""


@dataclass(frozen=True, kw_only=True)
class UnlabelledRecord:
    """What is known of the test images without labels."""

    images: int
    columns: Sequence[str]
    """Of their submission: the id's, then that of labels, or those of all classes."""
    labels: Sequence[str]
    """What is written for each class; where classes have columns, the columns' names."""
    notes: Sequence[str]
    """What a person has to know of them, in whole sentences."""

    @classmethod
    def of(cls, unlabelled: Unlabelled) -> UnlabelledRecord:
        layout = unlabelled.layout
        return cls(images=len(unlabelled), columns=layout.columns, labels=layout.labels, notes=unlabelled.notes)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The content of `dataset.json`."""

    version: int = VERSION
    name: str
    source: str
    """What the user asked for: a dataset's name or a path."""
    description: str
    licence: str
    classes: list[str]
    channels: int
    image_size: tuple[int, int] | None
    """(height, width) as stored, or None where sizes vary."""
    sizes: dict[str, list[int]]
    """`smallest`, `median`, `largest` of the originals, each [height, width]."""
    form: Form
    max_side: int
    """Larger originals were scaled down to it."""
    ceiling: float
    """The value that became 255, of originals deeper than 8 bits if there are any: new images must be scaled alike."""
    seed: int
    split_rule: str
    splits: dict[str, SplitRecord]
    mean: list[float]
    """Per channel, of training pixels scaled to 0..1."""
    std: list[float]
    skipped: Mapping[str, int]
    """Entries of the source that were left out, by reason."""
    skipped_extensions: Mapping[str, int]
    """The commonest ones of the files among them that are no images."""
    duplicates: Duplicates
    groups: Groups | None
    unlabelled: UnlabelledRecord | None
    """None where no test image lacks its label."""
    profile: Profile
    fingerprint: str
    """What the host knew the source by; it prepares again when that changes."""
    checksums: dict[str, str]
    """Path -> SHA-256 of every other file but the contact sheet, which only people and the architect look at."""
    pillow: str = PIL.__version__
    numpy: str = np.__version__

    def dump(self) -> bytes:
        return json.dumps(asdict(self), indent=2, allow_nan=False).encode() + b"\n"


def moments(histogram: NDArray[np.int64]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel of a (C, 256) histogram, of values scaled to 0..1."""
    values = np.arange(256) / 255
    weights = histogram / histogram.sum(axis=1, keepdims=True)
    mean = weights @ values
    variance = (weights * (values - mean[:, np.newaxis]) ** 2).sum(axis=1)
    return mean.round(6).tolist(), np.sqrt(variance).round(6).tolist()


def count_duplicates(train: Digests, validation: Digests, test: Digests) -> Duplicates:
    """Compare digests of pixels, of each split with those before it."""
    learnt, chosen_on = np.sort(train), np.sort(validation)
    return Duplicates(
        within_train=len(repeated(learnt)),
        validation=int(among(chosen_on, learnt).sum()),
        test=int((among(test, learnt) | among(test, chosen_on)).sum()),
    )


def count_groups(train: Digests, validation: Digests, test: Digests) -> Groups:
    """Compare the groups of each split with those before it."""
    shared = count_duplicates(train, validation, test)
    count = len(np.unique(np.concatenate([train, validation, test])))
    return Groups(count=count, validation=shared.validation, test=shared.test)
