"""Where the files lie that a table names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from harness.names import EXTENSIONS
from harness.sources.source import SPLIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

MOST_FOLDERS = 20
"""That files without a folder in their name are looked for in; where there are more, they are classes."""


def find_place(root: Path, values: list[str], split: str) -> tuple[str, str] | None:
    """The folder and the suffix with which most of these values are files.

    Where it numbers them, `1.png` may lie in `train/` and in `test/`: a folder named like the split comes first.
    """
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    folders = [f"{name}/" for name in sorted(names, key=lambda name: _distance(name, split))]
    folders = [folder * times for folder in folders for times in (1, 2) if (root / (folder * times)).is_dir()]
    for folder in ("", *folders[:MOST_FOLDERS]):
        for suffix in ("", *sorted(EXTENSIONS)):
            paths = (f"{root}/{folder}{value}{suffix}" for value in values if is_inside(value))
            there = sum(map(os.path.isfile, paths))  # a Path would raise where a value is a long text
            if there > len(values) // 2:
                return folder, suffix
    return None


def _distance(folder: str, split: str) -> int:
    """0 where a folder is named after the split, 2 where it is after another one, else 1."""
    named = {SPLIT_NAMES[word] for word in re.findall("[a-z]+", folder.casefold()) if word in SPLIT_NAMES}
    return 1 if not named else 0 if split in named else 2


def is_inside(value: str) -> bool:
    parts = value.replace("\\", "/").split("/")
    try:
        os.fsencode(value)  # JSON can write what no file is called
    except UnicodeEncodeError:
        return False
    return bool(value) and not value.startswith(("/", "\\")) and ".." not in parts and "\0" not in value
