"""What people call the classes of a dataset whose labels are codes, where its files say it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from harness.sources.labels import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.sources.folders import Folders

MOST = 1 << 20
"""Bytes of a file of names."""
LETTER = re.compile(r"user\d+_(.+)_\d+\.\w+", re.IGNORECASE)
"""A file of the Arabic letters is called after who wrote it, the letter with its form, and a number."""
ENOUGH = 0.9
"""Of a class's files, that agree on a name."""


def names_beside(root: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """The names that a JSON file in the folder gives to all of these numbers, or else the numbers."""
    if all(name.isdecimal() for name in classes):
        for path in sorted(root.glob("*.json")):
            names = _read(path)
            if all(name in names for name in classes) and len({names[name] for name in classes}) == len(classes):
                return tuple(names[name] for name in classes)
    return tuple(classes)


def _read(path: Path) -> Mapping[str, str]:
    if not path.is_file() or path.stat().st_size > MOST:
        return {}
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    named = content.items() if isinstance(content, dict) else ()
    shown = {key: name.strip() for key, name in named if isinstance(name, str)}
    return {key: name for key, name in shown.items() if name.isprintable() and 0 < len(name) <= LONGEST}


def names_in_files(source: Folders) -> tuple[str, ...]:
    """The letters that the files of all classes are called after, or else the names of their folders."""
    told: list[Counter[str]] = [Counter() for _ in source.classes]
    for label, name in zip(source.labels.tolist(), _letters(source), strict=True):
        told[label][name] += 1
    best = [counts.most_common(1)[0] for counts in told]
    names = [name.replace("_", " ") for name, _ in best]
    agreed = all(name and count >= ENOUGH * counts.total() for (name, count), counts in zip(best, told, strict=True))
    return tuple(names) if agreed and len(set(names)) == len(names) else source.classes


def _letters(source: Folders) -> Iterator[str]:
    for path in source.files:
        match = LETTER.fullmatch(path.rpartition("/")[2])
        yield match[1].lower() if match else ""
