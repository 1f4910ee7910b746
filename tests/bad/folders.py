"""Folders that are no dataset, or one with holes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PIL import Image

from tests.bad.pictures import class_folder, loose, pets, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], str]


def nothing(root: Path) -> Path:
    root.mkdir()
    return root


def empty_class(root: Path) -> Path:
    (pets(root) / "emu").mkdir()
    return root


def small_class(root: Path) -> Path:
    class_folder(pets(root) / "emu", count=3, first=50)
    return root


def only_in_test(root: Path) -> Path:
    pets(root / "train")
    class_folder(root / "test" / "cat", first=40)
    class_folder(root / "test" / "emu", first=60)
    return root


def named(name: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        class_folder(pets(root) / name, first=50)
        return root

    return make


def loose_beside(root: Path) -> Path:
    picture(0).save(pets(root) / "new.png")
    return root


def only_loose(root: Path) -> Path:
    loose(root)
    return root


def nested(root: Path) -> Path:
    """The classes are below one folder of several."""
    pets(root / "photos")
    return root


def split_beside_class(root: Path) -> Path:
    pets(root / "train")
    class_folder(root / "emu", first=50)
    return root


def two_validations(root: Path) -> Path:
    for name in ("train", "val", "valid"):
        pets(root / name)
    return root


def no_train(root: Path) -> Path:
    pets(root / "test")
    return root


def only(extension: str, content: bytes = b"") -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        for name in ("cat", "dog"):
            (root / name).mkdir(parents=True)
            for number in range(12):
                (root / name / f"{number}.{extension}").write_bytes(content)
        return root

    return make


def avif(root: Path) -> Path:
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(12):
            picture(number).save(root / name / f"{number}.avif")
    return root


def links_out(root: Path) -> Path:
    """Each image of a class is a link to one elsewhere."""
    outside = class_folder(root.parent / "outside")
    class_folder(root / "dog")
    (root / "cat").mkdir()
    for path in outside.iterdir():
        (root / "cat" / path.name).symlink_to(path)
    return root


def pipes(root: Path) -> Path:
    """A class of pipes that are called images: to open one would wait for ever."""
    class_folder(root / "dog")
    (root / "cat").mkdir()
    for number in range(12):
        os.mkfifo(root / "cat" / f"{number}.png")
    return root


def copies(root: Path) -> Path:
    """A class of one image, twelve times."""
    class_folder(root / "dog")
    (root / "cat").mkdir()
    for number in range(12):
        Image.new("RGB", (6, 5)).save(root / "cat" / f"{number}.png")
    return root


CASES: dict[str, Case] = {
    "an empty folder": (nothing, r"The folder holds no sub-folders: put .*\."),
    "an empty class folder": (empty_class, r"No image lies in class folder 'emu' \(train\): add images or remove .*\."),
    "a single class": (lambda root: class_folder(root / "cat").parent, r"There is a single class, 'cat', .*: add .*\."),
    "a class of three images": (small_class, r"A class needs at least 10 images.*: 'emu' has 3; add images or .*\."),
    "a class in test alone": (only_in_test, r"Class 'emu' is in test but not in train: add training images or .*\."),
    "a name that is no UTF-8": (
        named(os.fsdecode(b"caf\xe9")),
        r"Class folder 'caf\\udce9' has unprintable characters in its name: rename it\.",
    ),
    "a name with an escape": (
        named("emu\x1b[2J"),
        r"Class folder 'emu\\x1b\[2J' has unprintable characters in its name: rename it\.",
    ),
    "two classes that differ in case": (named("Cat"), r"Class folders 'Cat' and 'cat' differ only in case.*: merge .*"),
    "a loose image beside class folders": (
        loose_beside,
        r"Images lie directly in the folder \(1 of them, 'new\.png' first\) and so have no class: move each .*\.",
    ),
    "loose images alone": (
        only_loose,
        r"Images lie directly in the folder \(24 of them, '0\.png' first\) and so have no class: move each .*\.",
    ),
    "class folders in a folder": (nested, r"There is a single class, 'photos', .* give that folder itself\."),
    "a class beside splits": (split_beside_class, r"Images lie in 'emu/' beside train, .*: move them elsewhere, or .*"),
    "val and valid": (two_validations, r"train, val, valid name one split twice: keep one folder for each split\."),
    "a test without a train": (no_train, r"There is 'test/' but no train/: add it, or rename the folder\."),
    "HEIC photos alone": (
        only("heic"),
        r"No sub-folder holds an image \(.*\.jpeg, .*\.png.*\) but 24 \.heic files: convert them, or .*\.",
    ),
    "AVIF photos alone": (
        avif,
        r"No sub-folder holds an image \(.*\.jpeg, .*\.png.*\) but 24 \.avif files: convert them, or .*\.",
    ),
    "videos alone": (only("mp4"), r"No sub-folder holds an image \(.*\) but 24 \.mp4 files: convert them, or .*\."),
    "links to another place": (links_out, r"No image lies in class folder 'cat' .*\(links skipped: 12; copy what .*\."),
    "pipes that are called images": (pipes, r"No image lies in class folder 'cat' \(train\): add images or remove .*"),
    "a class of one image twelve times": (copies, r"Class 'cat' has 1 different images .*: add images or remove .*\."),
}
