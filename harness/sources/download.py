"""What was downloaded of a named dataset: the files as they were published, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sources.archives import unpack
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Download:
    """The files, and what a reader may need beside them."""

    folder: Path
    scratch: Path
    """An empty folder that stays as long as the source."""
    seed: int
    """Of what is drawn by chance."""

    def file(self, name: str) -> Path:
        """Where it is.

        Raises:
            UnusableDatasetError: it is not there.
        """
        if (path := self.folder / name).is_file():
            return path
        there = sorted(entry.name for entry in self.folder.iterdir()) if self.folder.is_dir() else []
        raise UnusableDatasetError(
            f"{name!r} is wanted and not among what was downloaded ({', '.join(there[:NAMED]) or 'nothing'}): "
            "put it there."
        )

    def unpacked(self, name: str, wanted: Callable[[str], bool] = lambda _: True) -> Path:
        """The folder in which the dataset of an archive begins.

        Raises:
            UnusableDatasetError: the archive is not there, or broken.
        """
        return unpack(self.file(name), self.scratch / name, wanted)
