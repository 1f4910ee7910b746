"""The seam between where images come from and how they are prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from harness.sources.unlabelled import Unlabelled

    Content: TypeAlias = bytes | NDArray[np.uint8]
    """An image file's bytes, or pixels: (H, W) grey, (H, W, 3) colour, (H, W, 4) with transparency."""

SPLITS = ("train", "validation", "test")
"""The order is the code: `Source.given` holds indices into it."""
SPLIT_NAMES = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What a folder or an array of a split may be called, in any case."""
SKIPPED = ("hidden", "not_images", "links", "not_named")
"""Why an entry of a source is left out; the last one is of an image that no row of a table names."""


class UnusableDatasetError(Exception):
    """Raised when a source cannot become a dataset; its text is one sentence that says what to do."""


def links_skipped(skipped: Mapping[str, int]) -> str:
    """How a refusal for want of images ends where links were skipped; empty where there were none."""
    links = skipped["links"]
    return f" (links skipped: {links}; copy what they point to)" if links else ""


class Images(Protocol):
    """Images, numbered from 0, wherever they lie. Nothing is decoded before it is asked for."""

    def read(self, index: int) -> Content:
        """Fetch one, from any thread.

        Raises:
            OSError: it cannot be read.
        """
        ...

    def where(self, index: int) -> str:
        """What a person calls it: its file, relative to the dataset."""
        ...


@runtime_checkable
class Files(Images, Protocol):
    """Images of which each is a file of its own."""

    def path(self, index: int) -> str: ...


class Source(Images, Protocol):
    """Labelled images, and perhaps test images without labels."""

    @property
    def description(self) -> str: ...
    @property
    def licence(self) -> str:
        """Empty where nobody said."""
        ...

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,): example i shows classes[labels[i]]."""
        ...

    @property
    def given(self) -> NDArray[np.int8]:
        """(N,): the split that the source puts example i in; all 0 (train) where it has no split."""
        ...

    @property
    def groups(self) -> NDArray[np.int32] | None:
        """(N,): examples with one number (a patient, a plant) stay on one side of a split; None where nobody said."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many entries were left out, by reason: `SKIPPED`."""
        ...

    @property
    def skipped_extensions(self) -> Mapping[str, int]:
        """The commonest extensions among the files that are no images, with how many there are of each."""
        ...

    @property
    def unlabelled(self) -> Unlabelled | None:
        """Test images without labels, if there are any."""
        ...
