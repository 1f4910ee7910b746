"""A prepared dataset as the host sees it: its facts, its folders, its hidden labels."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.contract import Task
from orchestrator.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SplitName: TypeAlias = Literal["train", "validation", "test"]
HiddenName: TypeAlias = Literal["validation", "test"]
Name: TypeAlias = Annotated[str, Field(max_length=1000)]
"""Of a column or a label."""


class Split(BaseModel):
    """One part of a dataset."""

    model_config = ConfigDict(frozen=True)

    images: int = Field(gt=0)
    counts: tuple[int, ...]


class Duplicates(BaseModel):
    """How many images have exactly the pixels of another."""

    model_config = ConfigDict(frozen=True)

    within_train: int
    validation: int
    """Validation images that train holds too."""
    test: int
    """Test images that train or validation holds too."""


class Groups(BaseModel):
    """What the groups (patients, plants) that the user named came to."""

    model_config = ConfigDict(frozen=True)

    count: int
    validation: int
    """Validation images whose group train holds too."""
    test: int
    """Test images whose group train or validation holds too."""


class Unlabelled(BaseModel):
    """Test images without labels, and the layout of their submission."""

    model_config = ConfigDict(frozen=True)

    images: int = Field(gt=0)
    columns: tuple[Name, ...] = Field(min_length=2)
    """The id's, then that of labels, or those of all classes."""
    labels: tuple[Name, ...]
    """What is written for each class; where classes have columns, the columns' names."""
    notes: tuple[Annotated[str, Field(max_length=1000)], ...] = Field(max_length=10)

    @property
    def by_class(self) -> bool:
        """Whether each class has a column of its own."""
        return len(self.columns) > 2

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by_class and sorted(self.columns[1:]) != sorted(self.labels):
            raise ValueError("columns and classes differ")
        return self


class Lookalikes(BaseModel):
    """Held-back images that are nearly, not exactly, a training image."""

    model_config = ConfigDict(frozen=True)

    validation: int
    test: int
    plain: int
    """Held-back images with too little detail to tell."""
    examples: tuple[tuple[str, str], ...]
    """File of a held-back image, and of its twin."""


class Telling(BaseModel):
    """A property of files that tells the class."""

    model_config = ConfigDict(frozen=True)

    property: str
    accuracy: float
    majority: float
    classes: tuple[str, ...]
    """Some that it tells, each alone from all others."""


class Measured(BaseModel):
    """What was noticed while the dataset was prepared."""

    model_config = ConfigDict(frozen=True)

    aspect: tuple[float, float]
    """Width / height of the originals: the least and the greatest."""
    grey: int
    """Images without any colour among those of a colour dataset."""
    lookalikes: Lookalikes | None
    """None where images are too small to look for any."""
    telling: tuple[Telling, ...]
    columns: tuple[str, ...]
    """Of a table, which tell the label."""


class Facts(BaseModel):
    """dataset.json, as far as the host uses it."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str
    description: str
    licence: str
    classes: tuple[str, ...] = Field(min_length=2)
    channels: Literal[1, 3]
    image_size: tuple[int, int] | None
    sizes: dict[str, tuple[int, int]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    max_side: int
    ceiling: float = Field(gt=0)
    """The value that became white, of images deeper than 8 bits."""
    seed: int
    splits: dict[SplitName, Split]
    skipped: dict[str, int]
    """Entries of the source that were left out, by reason: `hidden`, `not_images`, `links`, `not_named`."""
    skipped_extensions: dict[str, int]
    """The commonest ones of the files that are no images."""
    duplicates: Duplicates
    groups: Groups | None = None
    unlabelled: Unlabelled | None = None
    profile: Measured | None = None
    """None in folders that were prepared before there was one."""
    fingerprint: str
    checksums: dict[str, str]

    @model_validator(mode="after")
    def _labels_are_of_classes(self) -> Self:
        if self.unlabelled and len(self.unlabelled.labels) != len(self.classes):
            raise ValueError("labels and classes differ")
        return self


class Dataset:
    """A folder made by `harness.prepare`."""

    def __init__(self, folder: Path) -> None:
        """Read the facts.

        Raises:
            DatasetError: the folder holds no prepared dataset, or a damaged one.
        """
        self.folder = folder
        try:
            self.facts = Facts.model_validate_json((folder / "dataset.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise DatasetError(
                f"{folder} holds no prepared dataset ({type(error).__name__}): remove the folder and run again."
            ) from None

    def split(self, name: SplitName) -> Split:
        return self.facts.splits[name]

    def hidden_labels(self, name: HiddenName) -> NDArray[np.int64]:
        """The labels that no container sees, (N,)."""
        labels: NDArray[np.int64] = np.load(self.folder / "hidden" / f"{name}.npy", allow_pickle=False)
        known = labels.shape == (self.split(name).images,) and 0 <= labels.min() <= labels.max() < len(
            self.facts.classes
        )
        if not known:
            raise DatasetError(f"{self.folder}/hidden/{name}.npy is damaged: remove {self.folder} and run again.")
        return labels

    @property
    def sheet(self) -> Path:
        """Some of its training images, side by side; it may be missing."""
        return self.folder / "sheet.png"

    @property
    def checksum(self) -> str:
        """SHA-256 over the checksums of its files, in hex."""
        return hashlib.sha256(json.dumps(self.facts.checksums, sort_keys=True).encode()).hexdigest()

    def task(self, *, device: str, seed: int, seconds: float, weights: tuple[str, ...], backbone: str = "") -> Task:
        """What the components get to know, before the tuning split is carved."""
        train = self.split("train")
        return Task(
            classes=self.facts.classes,
            image_size=self.facts.image_size,
            channels=self.facts.channels,
            train_size=train.images,
            class_counts=train.counts,
            mean=self.facts.mean,
            std=self.facts.std,
            device=device,
            seed=seed,
            seconds=seconds,
            weights=weights,
            backbone=backbone,
        )
