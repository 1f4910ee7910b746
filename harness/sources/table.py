"""What the rows of tables say of images: the source that they make, in few bytes for each image."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.sources.labels import number_classes
from harness.sources.paths import Paths
from harness.sources.places import is_inside
from harness.sources.rows import read_rows
from harness.sources.source import SKIPPED, SPLIT_NAMES, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.rows import Row
    from harness.sources.unlabelled import Unlabelled

MARKS = {"0": False, "0.0": False, "1": True, "1.0": True, "false": False, "true": True, "False": False, "True": True}
"""How columns of classes say no and yes."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Implements `source.Source`."""

    root: Path
    files: Paths
    """Relative to the root."""
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    groups: NDArray[np.int32] | None
    description: str = ""
    licence: str = ""
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)
    unlabelled: Unlabelled | None = None
    telling_columns: tuple[str, ...] = ()
    """Beside file and label, those that tell the label."""

    def read(self, index: int) -> bytes:
        with open(self.path(index), "rb") as file:  # noqa: PTH123 - as in `Folders.read`
            return file.read()

    def path(self, index: int) -> str:
        return f"{self.root}/{self.files[index]}"

    def where(self, index: int) -> str:
        return repr(self.files[index])


@dataclass(frozen=True)
class Plan:
    """How to read one table."""

    file: str
    label: str
    """Empty where each class has a column."""
    classes: tuple[str, ...]
    """These columns: 1 in one of them, 0 in the others; else empty."""
    split: str
    """A column, or empty."""
    group: str
    """As `split`."""
    folder: str
    """Where the files lie, relative to the table's folder; empty or with a slash at its end."""
    suffix: str
    """What each name lacks."""

    def label_of(self, row: Row) -> str:
        """The label that a row tells; empty where it tells none."""
        if not self.classes:
            return row.get(self.label, "").strip()
        marked = marked_columns(row, self.classes)
        return marked[0].strip() if len(marked) == 1 else ""


def marked_columns(row: Row, columns: Sequence[str]) -> list[str]:
    """Of columns that are 0 or 1, those that are 1; every one where a value is something else."""
    values = {column: row.get(column, "").strip() for column in columns}
    if any(value not in MARKS for value in values.values()):
        return list(columns)
    return [column for column, value in values.items() if MARKS[value]]


@dataclass(frozen=True)
class Listed:
    """The rows of all tables of a dataset."""

    files: Paths = field(default_factory=Paths)
    hashes: array[int] = field(default_factory=lambda: array("q"))
    """Of the files."""
    labels: array[int] = field(default_factory=lambda: array("i"))
    words: dict[str, int] = field(default_factory=dict)
    """Label -> its number in `labels`."""
    given: array[int] = field(default_factory=lambda: array("b"))
    groups: array[int] = field(default_factory=lambda: array("q"))
    """Hashes; in a table without groups each file is one."""

    def add(self, path: Path, plan: Plan) -> None:
        """Take all rows of a table.

        Raises:
            UnusableDatasetError: it is broken, or one of them says too little.
        """
        self.files.extend(plan.folder.rstrip("/"), self._names(path, plan))

    def _names(self, path: Path, plan: Plan) -> Iterator[str]:
        for number, row in enumerate(read_rows(path), start=1):
            name, label = row.get(plan.file, ""), plan.label_of(row)
            file = f"{plan.folder}{name}{plan.suffix}"
            if not is_inside(name):
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} names {file!r}: a file of the folder is wanted."
                )
            if not label:
                wanted = "not one 1 in the columns of classes" if plan.classes else f"no label in column {plan.label!r}"
                raise UnusableDatasetError(f"Row {number} of {path.name!r} has {wanted}: mend it.")
            if label[0] in "[{" and "," in label:
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} has the label {label[:50]!r}, which is a list: give one class for "
                    "each image."
                )
            own = SPLIT_NAMES.get((row.get(plan.split, "").strip() if plan.split else path.stem).casefold(), "")
            if plan.split and not own:
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} has {row.get(plan.split, '')!r} in column {plan.split!r}: "
                    "train, validation or test is wanted."
                )
            group = row.get(plan.group, "").strip()
            if plan.group and not group:
                raise UnusableDatasetError(
                    f"Row {number} of {path.name!r} has no group in column {plan.group!r}: add it."
                )
            self.hashes.append(hash(file))
            self.groups.append(hash((bool(group), group or file)))
            self.labels.append(self.words.setdefault(label, len(self.words)))
            self.given.append(SPLITS.index(own or "train"))
            yield f"{name}{plan.suffix}"

    def table(self, root: Path, *, grouped: bool) -> Table:
        """Each file once, as its first row has it.

        Raises:
            UnusableDatasetError: rows contradict each other.
        """
        _, kept, which = np.unique(np.asarray(self.hashes), return_index=True, return_inverse=True)
        words, labels, firsts = list(self.words), np.asarray(self.labels), kept[which]
        groups = np.asarray(self.groups)
        for row in np.flatnonzero(groups != groups[firsts])[:1]:
            raise UnusableDatasetError(f"{self.files[row]!r} is in two groups: keep one row of it.")
        for row in np.flatnonzero(labels != labels[firsts])[:1]:
            known, other = words[labels[firsts[row]]], words[labels[row]]
            raise UnusableDatasetError(
                f"{self.files[row]!r} has the labels {known!r} and {other!r}: keep one row of it."
            )
        kept.sort()
        classes, (numbers,) = number_classes([np.array(words)])
        return Table(
            root=root,
            files=self.files if len(kept) == len(labels) else self.files.only(kept),
            classes=classes,
            labels=numbers[labels[kept]],
            given=np.array(self.given, np.int8)[kept],
            groups=np.unique(groups[kept], return_inverse=True)[1].astype(np.int32) if grouped else None,
        )
