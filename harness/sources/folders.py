"""A folder with one sub-folder per class, or with train/ and test/ (and validation/) of such.

A folder named like a split is a class where other folders stand beside it and its images lie in it directly.
A class folder's images are found at any depth below it. Links to folders are never followed, links to files only while
they stay inside. What is an image is decided by its extension. What they show may be told in a file beside the folders.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.sources.paths import Paths
from harness.sources.source import SKIPPED, SPLIT_NAMES, SPLITS, UnusableDatasetError, links_skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

EXTENSIONS = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".gif", ".tif", ".tiff", ".pbm", ".pgm", ".ppm",
}  # fmt: skip
JUNK = {"thumbs.db", "desktop.ini", "__macosx"}
"""What Windows and macOS leave behind; counted as hidden, as is everything that begins with a dot."""

LONGEST_EXTENSION = 10
"""Characters; what follows the last dot of a longer one is part of a name."""
EXTENSIONS_TOLD = 3

DESCRIPTIONS = ("dataset_info.txt", "dataset_info.md")
"""Files of the top folder that say what the images show; the first that is there counts."""
DESCRIPTION = 4000
"""Characters kept of a description: it is part of every prompt."""


@dataclass(frozen=True)
class Folders:
    """Images in class folders."""

    root: Path
    classes: tuple[str, ...]
    files: Paths
    """Relative to the root."""
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    skipped: Mapping[str, int]
    skipped_extensions: Mapping[str, int]
    description: str = ""
    licence: str = ""
    groups: None = None

    def read(self, index: int) -> bytes:
        path = f"{self.root}/{self.files[index]}"
        with open(path, "rb") as file:  # noqa: PTH123 - Python keeps a table of all parts of Paths, 1 MB at a time
            return file.read()

    def where(self, index: int) -> str:
        return repr(self.files[index])


def scan(root: Path) -> Folders:
    """Find the classes, the splits and every image.

    Raises:
        UnusableDatasetError: the folder is no dataset.
    """
    if not root.is_dir():
        raise UnusableDatasetError(f"{str(root)!r} is no folder: give one that holds a sub-folder of images per class.")
    walk = _Walk(root.resolve())
    layout = _layout(walk)
    files = Paths()
    found = {
        split: {
            name: files.extend(folder, sorted(walk.images(folder))) for name, folder in sorted(layout[split].items())
        }
        for split in SPLITS
        if split in layout
    }
    _refuse_empty(found, links_skipped(walk.skipped))
    classes = _class_names(found)
    runs = [
        (code, label, found.get(split, {}).get(name, 0))
        for code, split in enumerate(SPLITS)
        for label, name in enumerate(classes)
    ]
    codes, labels, counts = zip(*runs, strict=True)
    return Folders(
        walk.root,
        classes,
        files,
        np.repeat(np.array(labels, np.int64), counts),
        np.repeat(np.array(codes, np.int8), counts),
        dict(walk.skipped),
        dict(sorted(walk.extensions.items(), key=lambda kind: (-kind[1], kind[0]))[:EXTENSIONS_TOLD]),
        _description(walk.root),
    )


@dataclass(frozen=True)
class _Walk:
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
                f"Images lie directly in {_called(folder)} ({len(stray)} of them, {min(stray)!r} first) and so have no "
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
            raise UnusableDatasetError(f"{_called(folder)} cannot be listed: {error.strerror}.") from None

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


def _description(root: Path) -> str:
    """What the folder says of itself; empty where it says nothing.

    Raises:
        UnusableDatasetError: it cannot be read.
    """
    for path in (root / name for name in DESCRIPTIONS):
        if path.is_file() and path.resolve().is_relative_to(root):
            return _text(path)
    return ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(16 * DESCRIPTION)  # four bytes a character, and blank lines before the first
    except OSError as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read ({error.strerror}): allow it or remove it.") from None
    return content.decode("utf-8-sig", errors="replace").strip()[:DESCRIPTION]


def _layout(walk: _Walk) -> dict[str, dict[str, str]]:
    """Split -> class name -> folder."""
    top = walk.folders("")
    if not top:
        raise UnusableDatasetError(
            "The folder holds no sub-folders: put the images of each class into one of its own"
            f"{links_skipped(walk.skipped)}."
        )
    splits = {name: SPLIT_NAMES[name.casefold()] for name in top if name.casefold() in SPLIT_NAMES}
    others = [name for name in top if name not in splits]
    if not splits or (others and _may_be_classes(walk.root, splits)):
        return {"train": {name: name for name in top}}
    _refuse_odd_splits(walk, splits, others)
    return {split: {name: f"{folder}/{name}" for name in walk.folders(folder)} for folder, split in splits.items()}


def _may_be_classes(root: Path, splits: Mapping[str, str]) -> bool:
    """Whether folders named like splits are not a train with another split, and none is one of class folders."""
    has_train_and_more = "train" in splits.values() and len(set(splits.values())) > 1
    return not has_train_and_more and not any(_holds_classes(root, name) for name in splits)


def _holds_classes(root: Path, folder: str) -> bool:
    """Whether there are images, and all in sub-folders."""
    depths = {path.count("/") for path in _Walk(root).images(folder)}
    return bool(depths) and min(depths) > 0


def _refuse_odd_splits(walk: _Walk, splits: Mapping[str, str], others: list[str]) -> None:
    if "train" not in splits.values():
        raise UnusableDatasetError(
            f"There is {_called(next(iter(splits)))} but no train/: add it, or rename the folder"
            f"{links_skipped(walk.skipped)}."
        )
    if len(set(splits.values())) < len(splits):
        raise UnusableDatasetError(f"{', '.join(splits)} name one split twice: keep one folder for each split.")
    strays = [_called(name) for name in others if any(walk.images(name))]
    if strays:
        named = ", ".join(splits)
        raise UnusableDatasetError(
            f"Images lie in {', '.join(strays[:10])} beside {named}, and beside a split only splits may stand: "
            f"move them elsewhere, or rename {named} if a class is meant."
        )


def _refuse_empty(found: Mapping[str, Mapping[str, int]], hint: str) -> None:
    if not any(images for classes in found.values() for images in classes.values()):
        raise UnusableDatasetError(
            f"No sub-folder holds an image ({', '.join(sorted(EXTENSIONS))}): give another folder{hint}."
        )
    empty = [
        f"{name!r} ({split})" for split, classes in found.items() for name, images in classes.items() if not images
    ]
    if empty:
        raise UnusableDatasetError(
            f"No image lies in class folder {', '.join(empty[:10])}: add images or remove the folder{hint}."
        )


def _class_names(found: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """The classes, sorted; the training images name them."""
    spellings: dict[str, str] = {}
    for name in (name for classes in found.values() for name in classes):
        if not name.isprintable():
            raise UnusableDatasetError(f"Class folder {name!a} has unprintable characters in its name: rename it.")
        known = spellings.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if known != name:
            first, second = sorted((known, name))
            raise UnusableDatasetError(
                f"Class folders {first!a} and {second!a} differ only in case or Unicode form: merge them or rename one."
            )
    for split, classes in found.items():
        unknown = sorted(classes.keys() - found["train"].keys())
        if unknown:
            raise UnusableDatasetError(
                f"Class {unknown[0]!r} is in {split} but not in train: add training images or remove it."
            )
    return tuple(sorted(found["train"]))


def _called(folder: str) -> str:
    return repr(f"{folder}/") if folder else "the folder"
