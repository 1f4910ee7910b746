"""Tables of files and labels, CSV, TSV or JSON lines, in the folder that holds the images at any place.

Which column is which is told by its name, or found: the files are those that are there. Without a column of labels,
columns of 0 and 1 are the classes. A table named like a split (`train.csv`, `test.csv`) is that split; else a column
may say it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from harness.names import EXTENSIONS, FILE_COLUMNS
from harness.sources.leaks import telling_columns
from harness.sources.places import find_place
from harness.sources.rows import SUFFIXES, guessed_rows, read_rows
from harness.sources.source import SPLIT_NAMES, UnusableDatasetError
from harness.sources.table import Listed, Plan, marked_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.sources.rows import Row
    from harness.sources.table import Table

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
    group: str = ""
    """Empty: there is none."""


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
    plans = _without_guesses({path: plan for path in tables if (plan := _plan(path, columns)) is not None})
    named = {path: plan for path, plan in plans.items() if path.stem.casefold() in SPLIT_NAMES}
    if not named and len(plans) > 1:
        raise UnusableDatasetError(
            f"{' and '.join(repr(path.name) for path in plans)} both name images and labels: keep one, or call them "
            "train.csv, validation.csv and test.csv."
        )
    if not plans and tables and (columns != Columns() or _holds_images(folder)):
        _refuse(tables[0])
    return _open(folder, named or plans, columns) if plans else None


def open_table(path: Path, columns: Columns) -> Table:
    """Open one table that names files beside or below it, and their labels.

    Raises:
        UnusableDatasetError: it does not, or cannot be used.
    """
    plan = _plan(path, columns)
    return _open(path.parent, {path: plan}, columns) if plan else _refuse(path)


def _holds_images(folder: Path) -> bool:
    """Whether images lie directly in it, which without a table have no class."""
    return any(path.suffix.lower() in EXTENSIONS and path.is_file() for path in folder.iterdir())


def _refuse(path: Path) -> NoReturn:
    header = ", ".join(list(next(iter(read_rows(path)), {}))[:10])
    if not header:
        raise UnusableDatasetError(f"{path.name!r} has no rows: give a table of files and labels.")
    raise UnusableDatasetError(
        f"{path.name!r} has the columns {header}, and not the ones that are wanted, or the first names no "
        "file here: look at DATASET_FILE_COLUMN, DATASET_LABEL_COLUMN and DATASET_GROUP_COLUMN."
    )


def _plan(path: Path, columns: Columns) -> Plan | None:
    split = SPLIT_NAMES.get(path.stem.casefold(), "train")
    try:
        return _plan_of(path.parent, list(islice(read_rows(path), TRIED)), columns, split)
    except UnusableDatasetError:
        folders = any(entry.is_dir() for entry in path.parent.iterdir())
        if not folders or _plan_of(path.parent, list(islice(guessed_rows(path), TRIED)), columns, split):
            raise
        return None  # it is about something else


def _plan_of(root: Path, head: Sequence[Row], columns: Columns, split: str) -> Plan | None:
    if not head:
        return None
    names = {name.strip().casefold(): name for name in head[0]}
    label = names.get(columns.label.casefold()) if columns.label else _first(names, LABEL_COLUMNS)
    group = names.get(columns.group.casefold(), "") if columns.group else ""
    if columns.label and label is None:
        return None
    first = None if columns.file else _first(names, FILE_COLUMNS)
    if columns.file:
        candidates = [names[columns.file.casefold()]] if columns.file.casefold() in names else []
    else:
        candidates = [*([first] if first else []), *(name for name in head[0] if name != first)]
    for candidate in candidates:
        found = find_place(root, [row.get(candidate, "") for row in head], split)
        if found is not None and found[1] and candidate != first and not columns.file:
            continue  # numbers of days, say, are files of a class for whom adds .png
        rest = [name for name in head[0] if name not in (candidate, group)]
        chosen = label or (rest[0] if len(rest) == 1 else "")
        split_column = _split_column(names, head)
        classes = () if chosen else _class_columns([name for name in rest if name != split_column], head)
        if found is not None and (chosen or classes) and chosen != candidate:
            return Plan(candidate, chosen, classes, split_column, group, *found)
    return None


def _class_columns(columns: Sequence[str], head: Sequence[Row]) -> tuple[str, ...]:
    """All of these, where each row has a 1 in one of them and a 0 in the others."""
    marked = len(columns) > 1 and all(len(marked_columns(row, columns)) == 1 for row in head)
    return tuple(columns) if marked else ()


def _without_guesses(plans: dict[Path, Plan]) -> dict[Path, Plan]:
    """Without tables of the test images whose one other column is no label, since other tables know no such label."""
    test = {path for path in plans if SPLIT_NAMES.get(path.stem.casefold()) == "test"}
    known = {*LABEL_COLUMNS, *(plan.label.strip().casefold() for path, plan in plans.items() if path not in test)}
    guesses = {path for path in test if plans[path].label.strip().casefold() not in known} if test != set(plans) else ()
    return {path: plan for path, plan in plans.items() if path not in guesses}


def _first(names: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _split_column(names: Mapping[str, str], head: Sequence[Row]) -> str:
    column = _first(names, SPLIT_COLUMNS)
    return column if column and all(row.get(column, "").strip().casefold() in SPLIT_NAMES for row in head) else ""


def _open(root: Path, plans: Mapping[Path, Plan], columns: Columns) -> Table:
    for path in plans:
        if columns.group and not plans[path].group and SPLIT_NAMES.get(path.stem.casefold(), "train") == "train":
            _refuse(path)
    listed = Listed()
    for path, plan in plans.items():
        listed.add(path, plan)
    table = listed.table(root, grouped=bool(columns.group))
    _refuse_missing(root, table.files)
    return replace(table, telling_columns=telling_columns(plans))


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
