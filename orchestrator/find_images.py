"""What a person names on the command line, as image files: files, folders, patterns, tables of files."""

from __future__ import annotations

import csv
import glob
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.names import EXTENSIONS, FILE_COLUMNS, JUNK
from orchestrator.errors import AutoModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Search:
    """Finds images in what was named, in that order; one that was named itself need not be there."""

    named: Sequence[str]
    file_column: str = ""
    """Of tables; empty: found out."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Endings of files that lie among images and are none."""

    def __iter__(self) -> Iterator[Path]:
        for name in self.named:
            yield from self._named(name)

    def _named(self, name: str) -> Iterator[Path]:
        path = Path(name)
        if path.is_dir():
            yield from self._inside(path)
        elif path.suffix.lower() in TABLES and path.is_file():
            yield from self._rows(path)
        elif path.exists() or not glob.has_magic(name):
            yield path
        else:
            yield from self._matches(name)

    def _inside(self, folder: Path) -> Iterator[Path]:
        """Every image at any depth, sorted, folder by folder; hidden ones are not meant."""
        for place, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if not _hidden(name))
            yield from self._images(Path(place, name) for name in sorted(files) if not _hidden(name))

    def _matches(self, pattern: str) -> Iterator[Path]:
        """What a pattern means that no shell has expanded."""
        for name in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - pathlib's takes no absolute one
            path = Path(name)
            yield from self._inside(path) if path.is_dir() and "**" not in pattern else self._images(iter([path]))

    def _images(self, paths: Iterator[Path]) -> Iterator[Path]:
        for path in paths:
            if path.suffix.lower() in EXTENSIONS:
                yield path
            elif not path.is_dir():
                self.left_out[path.suffix.lower() or "without an ending"] += 1

    def _rows(self, table: Path) -> Iterator[Path]:
        """The files that a table names, relative to its folder."""
        column = ""
        try:
            with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                delimiter = max(",;\t", key=file.readline().count)
                file.seek(0)
                reader = csv.DictReader(file, delimiter=delimiter, restval="")
                for row in reader:
                    row.pop(None, None)  # what lies beyond the last column
                    column = column or self._column(table, row)
                    yield table.parent / row[column]
        except (csv.Error, ValueError) as error:
            raise AutoModelError(f"{table} cannot be read as a table ({error}): mend it.") from None

    def _column(self, table: Path, row: Mapping[str, str]) -> str:
        """Which column names files: the one that was said, else one called so, else one whose first file is there."""
        names = {name.strip().casefold(): name for name in row}
        wanted = [self.file_column.casefold()] if self.file_column else FILE_COLUMNS
        called = next((names[name] for name in wanted if name in names), "")
        there = (name for name, value in row.items() if value and (table.parent / value).is_file())
        found = called or ("" if self.file_column else next(there, ""))
        if not found:
            raise AutoModelError(
                f"{table} has the columns {', '.join(row)}, and none that names image files: say which does with "
                "--dataset-file-column."
            )
        return found


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in JUNK
