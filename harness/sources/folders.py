"""A folder with one sub-folder per class, or with train/ and test/ (and validation/) of such; test/ may lack labels.

A folder named like a split is a class where other folders stand beside it and its images lie in it directly.
A class folder's images are found at any depth below it. Links to folders are never followed, links to files only while
they stay inside. What is an image is decided by its extension. What they show may be told in a file beside the folders.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.names import EXTENSIONS
from harness.sources.paths import Paths
from harness.sources.source import SPLIT_NAMES, SPLITS, UnusableDatasetError, links_skipped
from harness.sources.unlabelled import Layout, Unlabelled
from harness.sources.walk import DESCRIPTIONS, Walk, called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EXTENSIONS_TOLD = 3

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
    unlabelled: Unlabelled | None = None
    """What lies in test/ directly."""

    def read(self, index: int) -> bytes:
        with open(self.path(index), "rb") as file:  # noqa: PTH123 - Python keeps a table of all parts of Paths, 1 MB at a time
            return file.read()

    def path(self, index: int) -> str:
        return f"{self.root}/{self.files[index]}"

    def where(self, index: int) -> str:
        return repr(self.files[index])


def scan(root: Path) -> Folders:
    """Find the classes, the splits and every image.

    Raises:
        UnusableDatasetError: the folder is no dataset.
    """
    if not root.is_dir():
        raise UnusableDatasetError(f"{str(root)!r} is no folder: give one that holds a sub-folder of images per class.")
    walk = Walk(root.resolve())
    layout, loose = _layout(walk)
    files = Paths()
    found = {
        split: {
            name: files.extend(folder, sorted(walk.images(folder))) for name, folder in sorted(layout[split].items())
        }
        for split in SPLITS
        if split in layout
    }
    told = _commonest(walk.extensions)
    _refuse_empty(found, told, links_skipped(walk.skipped))
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
        told,
        _description(walk.root),
        unlabelled=_unlabelled(walk, loose, classes) if loose else None,
    )


def _commonest(extensions: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(extensions.items(), key=lambda kind: (-kind[1], kind[0]))[:EXTENSIONS_TOLD])


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


def _unlabelled(walk: Walk, folder: str, classes: Sequence[str]) -> Unlabelled:
    """All images of a folder, called by their names."""
    ids = Paths()
    ids.extend("", sorted(walk.images(folder)))
    return Unlabelled(root=walk.root, ids=ids, folder=f"{folder}/", layout=Layout(labels=tuple(classes)))


def _layout(walk: Walk) -> tuple[dict[str, dict[str, str]], str]:
    """Split -> class name -> folder; and the folder of test images without labels, if there is one."""
    top = walk.folders("")
    if not top:
        raise UnusableDatasetError(
            "The folder holds no sub-folders: put the images of each class into one of its own"
            f"{links_skipped(walk.skipped)}."
        )
    named = [name for name in top if name.casefold() in SPLIT_NAMES]
    splits = {_inner(walk.root, name): SPLIT_NAMES[name.casefold()] for name in named}
    others = [name for name in top if name not in named]
    if not splits or (others and _may_be_classes(walk.root, splits)):
        _refuse_numbered_splits(walk.root, top)
        return {"train": {name: name for name in top}}, ""
    _refuse_odd_splits(walk, splits, others)
    loose = next((name for name in splits if splits[name] == "test" and _depths(walk.root, name) == {0}), "")
    labelled = {folder: split for folder, split in splits.items() if folder != loose}
    classes = {split: {name: f"{folder}/{name}" for name in walk.folders(folder)} for folder, split in labelled.items()}
    return classes, loose


def _inner(root: Path, name: str) -> str:
    """The folder of its own name that a split's folder holds all images in, as competitions pack it; or else itself."""
    paths, inside = Walk(root).images(name), f"{name}/"
    packed = next(paths, "").startswith(inside) and all(path.startswith(inside) for path in paths)
    return f"{name}/{name}" if packed else name


def _may_be_classes(root: Path, splits: Mapping[str, str]) -> bool:
    """Whether folders named like splits are not a train with another split, and none is one of class folders."""
    has_train_and_more = "train" in splits.values() and len(set(splits.values())) > 1
    return not has_train_and_more and not any(_holds_classes(root, name) for name in splits)


def _holds_classes(root: Path, folder: str) -> bool:
    """Whether there are images, and all in sub-folders."""
    depths = _depths(root, folder)
    return bool(depths) and min(depths) > 0


def _depths(root: Path, folder: str) -> set[int]:
    """In how many sub-folders images lie."""
    return {path.count("/") for path in Walk(root).images(folder)}


def _refuse_numbered_splits(root: Path, top: list[str]) -> None:
    """Folders named like splits, some with a number, are no classes where nothing else stands beside them."""
    like_splits = all(name.casefold().rstrip("0123456789") in SPLIT_NAMES for name in top)
    if like_splits and all(0 in _depths(root, name) for name in top):
        raise UnusableDatasetError(
            f"{' and '.join(map(called, top[:10]))} are named like splits and hold images directly, which so have no "
            "class: move those of the training set into a sub-folder for each class, or rename what is a class."
        )


def _refuse_odd_splits(walk: Walk, splits: Mapping[str, str], others: list[str]) -> None:
    if "train" not in splits.values():
        raise UnusableDatasetError(
            f"There is {called(next(iter(splits)))} but no train/: add it, or rename the folder"
            f"{links_skipped(walk.skipped)}."
        )
    if len(set(splits.values())) < len(splits):
        raise UnusableDatasetError(f"{', '.join(splits)} name one split twice: keep one folder for each split.")
    strays = [called(name) for name in others if any(walk.images(name))]
    if strays:
        named = ", ".join(splits)
        raise UnusableDatasetError(
            f"Images lie in {', '.join(strays[:10])} beside {named}, and beside a split only splits may stand: "
            f"move them elsewhere, or rename {named} if a class is meant."
        )


def _refuse_empty(found: Mapping[str, Mapping[str, int]], others: Mapping[str, int], hint: str) -> None:
    told = ", ".join(f"{count} {extension}" for extension, count in others.items())
    if not any(images for classes in found.values() for images in classes.values()):
        raise UnusableDatasetError(
            f"No sub-folder holds an image ({', '.join(sorted(EXTENSIONS))})"
            f"{f' but {told} files: convert them, or' if told else ':'} give another folder{hint}."
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
