"""Where the files lie that a table names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.sources.folders import EXTENSIONS

if TYPE_CHECKING:
    from pathlib import Path

MOST_FOLDERS = 20
"""That files without a folder in their name are looked for in; where there are more, they are classes."""


def find_place(root: Path, values: list[str]) -> tuple[str, str] | None:
    """The folder and the suffix with which most of these values are files."""
    folders = sorted(f"{entry.name}/" for entry in root.iterdir() if entry.is_dir())
    for folder in ("", *folders[:MOST_FOLDERS]):
        for suffix in ("", *sorted(EXTENSIONS)):
            paths = (f"{root}/{folder}{value}{suffix}" for value in values if is_inside(value))
            there = sum(map(os.path.isfile, paths))  # a Path would raise where a value is a long text
            if there > len(values) // 2:
                return folder, suffix
    return None


def is_inside(value: str) -> bool:
    parts = value.replace("\\", "/").split("/")
    try:
        os.fsencode(value)  # JSON can write what no file is called
    except UnicodeEncodeError:
        return False
    return bool(value) and not value.startswith(("/", "\\")) and ".." not in parts and "\0" not in value
