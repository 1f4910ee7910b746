"""The parquet files of a dataset, named as the Hugging Face hub names them, and the split that each belongs to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from harness.names import EXTENSIONS
from harness.sources.source import SPLIT_NAMES, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX = ".parquet"
SHARD = re.compile(r"(.*)-(\d{5,})-of-(\d{5,})\.parquet")
POINTER = b"version https://git-lfs"


def find_shards(folder: Path) -> dict[str, str]:
    """Every parquet file at any depth, relative to the folder -> its split; by split, then by name.

    Raises:
        UnusableDatasetError: a file is missing, or they are of several datasets.
    """
    splits = {path: _split(path) for path in sorted(find_files(folder, SUFFIX))}
    strays = [path for path, split in splits.items() if not split]
    if len(strays) < len(splits) and strays:
        raise UnusableDatasetError(
            f"{strays[0]!r} is of no split by its name, and other files are: call it train, validation or test, or "
            "move it elsewhere."
        )
    _refuse_several(splits)
    _refuse_missing(splits)
    known = {path: split or "train" for path, split in splits.items()}
    return dict(sorted(known.items(), key=lambda item: SPLITS.index(item[1])))


def has_images(folder: Path) -> bool:
    """Whether there are image files at any depth."""
    return any(find_files(folder, *EXTENSIONS))


def refuse_pointer(path: Path, name: str) -> None:
    """Tell what Git leaves in the place of a large file.

    Raises:
        UnusableDatasetError: this is such.
    """
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise UnusableDatasetError(
                f"{name!r} is what Git LFS leaves in the place of a file, and not the file: get it with `git lfs pull`."
            )


def find_files(folder: Path, *suffixes: str) -> Iterator[str]:
    """Files at any depth that end so, relative to the folder; no hidden ones, and no links."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = "" if where == str(folder) else f"{os.path.relpath(where, folder)}/"
        for name in names:
            if name.lower().endswith(suffixes) and not name.startswith(".") and not os.path.islink(f"{where}/{name}"):  # noqa: PTH114 - 100,000 Paths would take seconds
                yield f"{below}{name}"


def _split(path: str) -> str:
    """By the file's name, else by a folder's, the nearest; empty where none tells."""
    for part in reversed(Path(path).with_suffix("").parts):
        for word in re.split(r"[^a-z0-9]+", part.casefold()):
            if word in SPLIT_NAMES:
                return SPLIT_NAMES[word]
    return ""


def _refuse_several(splits: dict[str, str]) -> None:
    tops = {"/".join(part for part in Path(path).parts[:-1] if not _split(part)) for path in splits}
    if len(tops) > 1:
        named = ", ".join(repr(f"{top}/") if top else "the folder itself" for top in sorted(tops)[:5])
        raise UnusableDatasetError(f"Parquet files lie in {named}, as if they were several datasets: give one of them.")


def _refuse_missing(splits: dict[str, str]) -> None:
    matches = filter(None, map(SHARD.fullmatch, splits))
    for start, digits, count in sorted({(match[1], len(match[2]), match[3]) for match in matches}):
        names = (f"{start}-{each:0{digits}}-of-{count}.parquet" for each in range(int(count)))
        missing = next((name for name in names if name not in splits), None)
        if missing:
            raise UnusableDatasetError(f"{missing!r} is missing, of {int(count)} files: get it too.")
