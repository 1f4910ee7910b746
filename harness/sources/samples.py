"""What says which test images lack labels: a table of them alone, or a sample submission that lies beside them.

A sample gives the rows, their order and the columns: of an id, which is the first and names an image, and of a label or
of each class.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from harness.sources.paths import Paths
from harness.sources.places import find_place, is_inside
from harness.sources.rows import SUFFIXES, read_rows
from harness.sources.source import SPLIT_NAMES, SPLITS, UnusableDatasetError
from harness.sources.unlabelled import Layout, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.sources.rows import Row
    from harness.sources.table import Table

TRIED = 20
"""Rows that are looked at to find where the images lie."""


@dataclass(frozen=True)
class _Listing:
    """A table that names images."""

    root: Path
    table: Path
    column: str
    folder: str
    suffix: str

    def open(self, layout: Layout, *, keep: bool = False) -> Unlabelled:
        """`keep`: have rows without an image stay as they are; else they are left out."""
        hashes = array("q")
        missing: dict[int, tuple[str, ...]] = {}
        ids = Paths()
        ids.extend("", self._named(hashes, missing))
        _refuse_repeated(self.table, np.asarray(hashes))
        return Unlabelled(
            root=self.root,
            ids=ids,
            folder=self.folder,
            suffix=self.suffix,
            kept=missing if keep else {},
            layout=layout,
            notes=tuple(_told_missing(self.table, missing, keep=keep)),
        )

    def _named(self, hashes: array[int], missing: dict[int, tuple[str, ...]]) -> Iterator[str]:
        """The ids of images that are here; gather a hash of each id, and the rows without an image."""
        real = os.path.realpath(self.root)
        for number, row in enumerate(read_rows(self.table)):
            name = row.get(self.column, "")
            hashes.append(hash(name))
            if is_inside(name) and _is_there(real, f"{self.root}/{self.folder}{name}{self.suffix}"):
                yield name
            else:
                missing[number] = (name, *(value for key, value in row.items() if key != self.column))


def find_unlabelled(root: Path, table: Table) -> Unlabelled | None:
    """The test images beside a table of labelled ones; None where there are none.

    Raises:
        UnusableDatasetError: what names them cannot be read, or names one twice.
    """
    has_test = bool((table.given == SPLITS.index("test")).any())
    known = None if has_test else _named_by_table(root, table.classes)
    followed = follow_sample(root, table.classes, known)
    if followed is None or followed is known:
        return known
    labelled = np.fromiter(map(hash, table.files), np.int64, len(table.files))
    images = np.fromiter(map(hash, followed.files()), np.int64, len(followed))
    return known if np.isin(images, labelled).any() else followed


def follow_sample(root: Path, classes: Sequence[str], known: Unlabelled | None) -> Unlabelled | None:
    """What a sample submission says of the images; `known`: what is known without one.

    Raises:
        UnusableDatasetError: it cannot be read, or names an image twice.
    """
    sample = _find_sample(root)
    head = list(islice(read_rows(sample), TRIED)) if sample else []
    if sample is None or not head:
        return known
    column, *others = head[0]
    listing = _listing(root, sample, head, column)
    if listing is None:
        why = f"its first column names no image that is here ({head[0][column][:60]!r} first)"
        return known and replace(known, notes=(*known.notes, _not_followed(sample, why)))
    layout = _layout(column, others, classes)
    if layout is None:
        why = f"its columns are an id and {len(others)} more, and neither one label nor one for each class"
        followed = listing.open(Layout(labels=tuple(classes)))
        return replace(followed, notes=(_not_followed(sample, why), *followed.notes))
    followed = listing.open(layout, keep=True)
    return replace(followed, notes=(*followed.notes, *_notes(sample, head[0], followed, known)))


def _named_by_table(root: Path, classes: Sequence[str]) -> Unlabelled | None:
    tables = [path for path in sorted(root.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file()]
    for path in tables:
        head = list(islice(read_rows(path), TRIED)) if SPLIT_NAMES.get(path.stem.casefold()) == "test" else []
        for column in head[0] if head else ():
            if listing := _listing(root, path, head, column):
                return listing.open(Layout(labels=tuple(classes)))
    return None


def _listing(root: Path, table: Path, head: Sequence[Row], column: str) -> _Listing | None:
    place = find_place(root, [row.get(column, "") for row in head], "test")
    return _Listing(root, table, column, *place) if place else None


def _find_sample(root: Path) -> Path | None:
    """The file whose name says so; one of several is the one that is called a sample."""
    named = [path for path in root.iterdir() if path.suffix.lower() == ".csv" and "submission" in path.stem.casefold()]
    return min(named, key=lambda path: ("sample" not in path.stem.casefold(), path.name), default=None)


def _layout(column: str, others: Sequence[str], classes: Sequence[str]) -> Layout | None:
    if not all(name.isprintable() for name in (column, *others)):
        return None
    if len(others) == 1:
        return Layout(columns=(column, *others), labels=tuple(classes))
    spelt = {name.strip(): name for name in others}
    if len(others) != len(classes) or spelt.keys() != set(classes):
        return None
    return Layout(columns=(column, *others), labels=tuple(spelt[name] for name in classes))


def _is_there(root: str, path: str) -> bool:
    """Whether it is a file, and no link that leads elsewhere."""
    return os.path.isfile(path) and os.path.commonpath([root, os.path.realpath(path)]) == root  # noqa: PTH113


def _refuse_repeated(table: Path, hashes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    _, firsts = np.unique(hashes, return_index=True)
    if len(firsts) < len(hashes):
        again = np.setdiff1d(np.arange(len(hashes)), firsts)[0] + 1
        raise UnusableDatasetError(f"Row {again} of {table.name!r} names what an earlier row does: keep one of them.")


def _told_missing(table: Path, missing: Mapping[int, Sequence[str]], *, keep: bool) -> Iterator[str]:
    if missing:
        first = next(iter(missing.values()))[0][:60]
        fate = "keep their values in" if keep else "are left out of"
        yield f"Rows of {table.name!r} without an image here ({len(missing)}, {first!r} first) {fate} the submission."


def _notes(sample: Path, row: Row, followed: Unlabelled, known: Unlabelled | None) -> Iterator[str]:
    if known is not None and len(known) > len(followed):
        yield (
            f"Test images that {sample.name!r} does not name ({len(known) - len(followed)}) are not in the submission."
        )
    *_, value = row.values()
    if len(row) == 2 and value.strip() and value.strip() not in followed.layout.labels:
        yield f"{sample.name!r} has {value.strip()[:60]!r} as a label, which is no class: the submission names classes."


def _not_followed(sample: Path, why: str) -> str:
    return f"{sample.name!r} is not followed, as {why}: the submission has an id and a label."
