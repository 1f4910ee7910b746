"""The rows of a table, CSV, TSV or JSON lines: every value a text."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
FIELD = 1 << 20
"""Characters of one value."""


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """All rows, every value as text.

    Raises:
        UnusableDatasetError: the table is broken.
    """
    csv.field_size_limit(FIELD)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            if path.suffix.lower() in (".jsonl", ".ndjson"):
                yield from _json_rows(file)
                return
            head = file.readline()
            file.seek(0)
            delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
            for row in csv.DictReader(file, delimiter=delimiter, strict=True, restval=""):
                row.pop(None, None)  # more values than columns
                yield row
    except (OSError, ValueError, csv.Error) as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read as a table ({str(error)[:200]}): mend it.") from None


def _json_rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        if line.strip():
            row: Any = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no object")
            yield {str(name): "" if value is None else str(value) for name, value in row.items()}
