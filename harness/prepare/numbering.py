"""All images of a source under one numbering: those with labels, then those without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.sources.source import Files

if TYPE_CHECKING:
    from harness.sources.source import Content, Images, Source


@dataclass(frozen=True)
class AllImages:
    """Implements `source.Images`."""

    source: Source

    @property
    def labelled(self) -> int:
        return len(self.source.labels)

    def __len__(self) -> int:
        return self.labelled + len(self.source.unlabelled or ())

    def read(self, index: int) -> Content:
        images, own = self._find(index)
        return images.read(own)

    @cached_property
    def files(self) -> Files | None:
        """Those with labels, where each is a file."""
        return self.source if isinstance(self.source, Files) else None

    def where(self, index: int) -> str:
        images, own = self._find(index)
        return images.where(own)

    def _find(self, index: int) -> tuple[Images, int]:
        if index < self.labelled or self.source.unlabelled is None:
            return self.source, index
        return self.source.unlabelled, index - self.labelled
