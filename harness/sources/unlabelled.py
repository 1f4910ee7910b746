"""Test images without labels, and the layout in which their predictions are wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.sources.paths import Paths


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a submission is written."""

    columns: tuple[str, ...] = ("id", "label")
    """The id's, then that of labels, or those of all classes."""
    labels: tuple[str, ...]
    """What is written for each class; where classes have columns, the columns' names."""


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """The images, numbered from 0, and the rows of their submission."""

    root: Path
    ids: Paths
    """Of the images, as the submission calls them, in the order of their rows."""
    folder: str = ""
    """Where they lie, relative to the root; empty or with a slash at its end."""
    suffix: str = ""
    """What each id lacks of a file's name."""
    kept: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Number of a row without an image -> the whole row, which stays as it is."""
    layout: Layout
    notes: Sequence[str] = ()
    """What a person has to know, in whole sentences."""

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, index: int) -> bytes:
        with open(self.path(index), "rb") as file:  # noqa: PTH123 - as in `Folders.read`
            return file.read()

    def path(self, index: int) -> str:
        return f"{self.root}/{self._file(index)}"

    def where(self, index: int) -> str:
        return repr(self._file(index))

    def _file(self, index: int) -> str:
        return f"{self.folder}{self.ids[index]}{self.suffix}"

    def files(self) -> Iterator[str]:
        """All, relative to the root."""
        return map(self._file, range(len(self)))

    def rows(self) -> Iterator[Sequence[str]]:
        """Of an image its id alone, else a whole row."""
        images = iter(self.ids)
        for number in range(len(self.ids) + len(self.kept)):
            yield self.kept[number] if number in self.kept else (next(images),)
