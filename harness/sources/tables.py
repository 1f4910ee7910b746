"""Tables of files and labels, CSV, TSV or JSON lines, in the folder that holds the images at any place.

Which column is which is told by its name, or found: the files are those that are there. A table named like a split
(`train.csv`, `test.csv`) is that split; else a column may say it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from harness.sources.labels import number_classes
from harness.sources.places import find_place, is_inside
from harness.sources.rows import SUFFIXES, read_rows
from harness.sources.source import SKIPPED, SPLIT_NAMES, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Row = Mapping[str, str]

FILE_COLUMNS = (
    "file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_path", "image_name", "image_id",
    "img", "id_code", "id",
)  # fmt: skip
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target", "diagnosis", "species", "breed", "y")
SPLIT_COLUMNS = ("split", "subset", "set", "partition")
TRIED = 20
"""Rows that are looked at to find where the files lie."""
NAMED = 5


@dataclass(frozen=True)
class Columns:
    """What the user says of a table; empty: it is to be found out."""

    file: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Implements `source.Source`."""

    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    description: str = ""
    licence: str = ""
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)

    def read(self, index: int) -> bytes:
        with open(f"{self.root}/{self.files[index]}", "rb") as file:  # noqa: PTH123 - as in `Folders.read`
            return file.read()

    def where(self, index: int) -> str:
        return repr(self.files[index])


def find_tables(folder: Path, columns: Columns) -> Table | None:
    """Open the tables of a folder that name files in it and their labels; None where none does.

    Raises:
        UnusableDatasetError: one does and cannot be used, or none has the columns that the user named.
    """
    tables = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file() and "submission" not in path.stem.casefold()
    ]
    plans = {path: plan for path in tables if (plan := _plan(path, columns)) is not None}
    named = {path: plan for path, plan in plans.items() if path.stem.casefold() in SPLIT_NAMES}
    if not named and len(plans) > 1:
        raise UnusableDatasetError(
            f"{' and '.join(repr(path.name) for path in plans)} both name images and labels: keep one, or call them "
            "train.csv, validation.csv and test.csv."
        )
    if not plans and tables and columns != Columns():
        header = ", ".join(list(next(read_rows(tables[0]), {}))[:10])
        raise UnusableDatasetError(
            f"{tables[0].name!r} has the columns {header}, and not the ones that are wanted, or the first names no "
            "file here: look at DATASET_FILE_COLUMN and DATASET_LABEL_COLUMN."
        )
    return _open(folder, named or plans) if plans else None


@dataclass(frozen=True)
class _Plan:
    """How to read one table."""

    file: str
    label: str
    split: str
    """A column, or empty."""
    folder: str
    """Where the files lie, relative to the table's folder; empty or with a slash at its end."""
    suffix: str
    """What each name lacks."""


def _plan(path: Path, columns: Columns) -> _Plan | None:
    rows = list(islice(read_rows(path), TRIED))
    if not rows:
        return None
    names = {name.strip().casefold(): name for name in rows[0]}
    label = names.get(columns.label.casefold()) if columns.label else _first(names, LABEL_COLUMNS)
    if columns.file:
        candidates = [names[columns.file.casefold()]] if columns.file.casefold() in names else []
    else:
        first = _first(names, FILE_COLUMNS)
        candidates = [*([first] if first else []), *(name for name in rows[0] if name != first)]
    for candidate in candidates:
        found = find_place(path.parent, [row.get(candidate, "") for row in rows])
        rest = [name for name in rows[0] if name != candidate]
        chosen = label or (rest[0] if len(rest) == 1 else None)
        if found is not None and chosen is not None and chosen != candidate:
            return _Plan(candidate, chosen, _split_column(names, rows), *found)
    return None


def _first(names: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _split_column(names: Mapping[str, str], rows: Sequence[Row]) -> str:
    column = _first(names, SPLIT_COLUMNS)
    return column if column and all(row.get(column, "").strip().casefold() in SPLIT_NAMES for row in rows) else ""


def _open(root: Path, plans: Mapping[Path, _Plan]) -> Table:
    labels: dict[str, tuple[str, int]] = {}
    for path, plan in plans.items():
        split = SPLIT_NAMES.get(path.stem.casefold(), "train")
        for number, row in enumerate(read_rows(path), start=1):
            name, label = row.get(plan.file, ""), row.get(plan.label, "").strip()
            file = f"{plan.folder}{name}{plan.suffix}"
            if not is_inside(name):
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} names {file!r}: a file of the folder is wanted."
                )
            if not label:
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} has no label in column {plan.label!r}: add it."
                )
            own = SPLIT_NAMES.get(row.get(plan.split, "").strip().casefold(), "") if plan.split else split
            if not own:
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} has {row.get(plan.split, '')!r} in column {plan.split!r}: "
                    "train, validation or test is wanted."
                )
            known = labels.setdefault(file, (label, SPLITS.index(own)))
            if known[0] != label:
                raise UnusableDatasetError(f"{file!r} has the labels {known[0]!r} and {label!r}: keep one row of it.")
    _refuse_missing(root, labels)
    classes, (numbers,) = number_classes([np.array([label for label, _ in labels.values()])])
    given = np.array([code for _, code in labels.values()], np.int8)
    return Table(root=root, files=tuple(labels), classes=classes, labels=numbers, given=given)


def _refuse_missing(root: Path, files: Iterable[str]) -> None:
    real = os.path.realpath(root)
    missing, outside = [], []
    for file in files:
        path = f"{root}/{file}"
        if not os.path.isfile(path):  # noqa: PTH113 - 100,000 Paths would take seconds
            missing.append(file)
        elif os.path.commonpath([real, os.path.realpath(path)]) != real:
            outside.append(file)
    for which, what in ((missing, "that are not there"), (outside, "that are links out of the folder")):
        if which:
            more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
            named = ", ".join(map(repr, which[:NAMED]))
            raise UnusableDatasetError(f"The table names files {what}: {named}{more}; add them or remove the rows.")
