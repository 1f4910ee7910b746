"""Goes through a folder: what in it is a folder, an image, or to be left out."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.names import EXTENSIONS, JUNK
from harness.sources.source import SKIPPED, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_EXTENSION = 10
"""Characters; what follows the last dot of a longer one is part of a name."""

DESCRIPTIONS = ("dataset_info.txt", "dataset_info.md")
"""Files of the top folder that say what the images show; the first that is there counts."""


@dataclass(frozen=True)
class Walk:
    """Goes through the tree, in any order, and counts what it leaves out."""

    root: Path
    skipped: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SKIPPED, 0)))
    extensions: Counter[str] = field(default_factory=Counter)
    """Of files that are no images."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in this one, sorted.

        Raises:
            UnusableDatasetError: images lie beside them, in no class.
        """
        entries = list(self._entries(folder))
        stray = [entry.name for entry in entries if self._is_image(entry)]
        if stray:
            raise UnusableDatasetError(
                f"Images lie directly in {called(folder)} ({len(stray)} of them, {min(stray)!r} first) and so have no "
                "class: move each into a sub-folder named after its class."
            )
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def images(self, folder: str) -> Iterator[str]:
        """Every image at any depth, relative to this folder."""
        for entry in self._entries(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from (f"{entry.name}/{path}" for path in self.images(f"{folder}/{entry.name}"))
            elif self._is_image(entry):
                yield entry.name

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as listing:
                for entry in listing:
                    if entry.name.startswith(".") or entry.name.casefold() in JUNK:
                        self.skipped["hidden"] += 1
                    elif entry.is_symlink() and not self._stays_inside(entry):
                        self.skipped["links"] += 1
                    elif folder or entry.name not in DESCRIPTIONS or not entry.is_file():
                        yield entry
        except OSError as error:
            raise UnusableDatasetError(f"{called(folder)} cannot be listed ({error.strerror}): allow it.") from None

    def _stays_inside(self, entry: os.DirEntry[str]) -> bool:
        return entry.is_file() and Path(entry.path).resolve().is_relative_to(self.root)

    def _is_image(self, entry: os.DirEntry[str]) -> bool:
        """Tell, and count a file that is none."""
        if entry.is_dir(follow_symlinks=False):
            return False
        extension = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - as in `Folders.read`
        if entry.is_file() and extension in EXTENSIONS:
            return True
        self.skipped["not_images"] += 1
        if 1 < len(extension) <= LONGEST_EXTENSION and extension.isprintable():
            self.extensions[extension] += 1
        return False


def called(folder: str) -> str:
    """What a person calls it."""
    return repr(f"{folder}/") if folder else "the folder"
