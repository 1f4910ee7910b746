"""The rows of a table, CSV, TSV or JSON lines, one at a time, every value as text."""

from __future__ import annotations

import codecs
import csv
import json
from math import isnan
from typing import IO, TYPE_CHECKING, Any

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    Row = Mapping[str, str]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Of UTF-16, as spreadsheets write it."""
FIELD = 1 << 20
"""Characters of one value."""


def read_rows(path: Path) -> Iterator[Row]:
    """Read all rows.

    Raises:
        UnusableDatasetError: the table is broken.
    """
    try:
        with _open(path) as file:
            yield from _json_rows(file) if _is_json(path) else _values(path, file, csv.QUOTE_MINIMAL)
    except (OSError, ValueError, csv.Error) as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read as a table ({str(error)[:200]}): mend it.") from None


def guessed_rows(path: Path) -> Iterator[Row]:
    """Read what can be read of a broken table, to tell whether it is meant: quotes are letters, and fall off."""
    if _is_json(path):
        return
    with _open(path) as file:
        for row in _values(path, file, csv.QUOTE_NONE):
            yield {name.strip('"'): value.strip('"') for name, value in row.items()}


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        encoding = "utf-16" if file.read(2) in BOMS else "utf-8-sig"
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _is_json(path: Path) -> bool:
    return path.suffix.lower() in (".jsonl", ".ndjson")


def _values(path: Path, file: IO[str], quoting: Any) -> Iterator[dict[str, str]]:
    csv.field_size_limit(FIELD)
    head = file.readline()
    if "\0" in head:
        raise ValueError("it holds zero bytes, as text in UTF-8 does not")
    file.seek(0)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
    for row in csv.DictReader(file, delimiter=delimiter, strict=True, restval="", quoting=quoting):
        row.pop(None, None)  # more values than columns
        yield row


def _json_rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        if line.strip():
            row: Any = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no object")
            yield {str(name): "" if _is_nothing(value) else str(value) for name, value in row.items()}


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))
