"""Columns of a table that tell the label, and those that do not."""

from __future__ import annotations

import csv
import random
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from harness.sources import open_source
from harness.sources.leaks import MOST_PAIRS, Tabular, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ["fit", "sick"] * 50
FEW = ("fit", "old", "sick")
COLUMNS: dict[str, tuple[bool, Callable[[int, str], str]]] = {
    "a code of the label": (True, lambda _, label: {"fit": "Z00", "sick": "J18"}[label]),
    "several codes of each": (True, lambda row, label: f"{label}{row % 5}"),
    "right in 98 of 100 rows": (True, lambda row, label: "J18" if label == "sick" or row in {4, 8} else "Z00"),
    "right in 80 of 100 rows": (False, lambda row, label: "J18" if label == "sick" or row % 5 == 0 else "Z00"),
    "a number for each row": (False, lambda row, label: f"{label}{row}"),
    "the same everywhere": (False, lambda _, __: "hospital"),
    "by chance": (False, lambda row, _: str(row // 2 % 3)),
    "mostly empty": (False, lambda row, label: label if row < 50 else ""),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_tells_the_label_where_its_values_go_with_one_each(name: str) -> None:
    tells, value = COLUMNS[name]
    rows = [({"note": value(row, label), "label": label}, label) for row, label in enumerate(LABELS)]

    assert tell(rows, {"label"}) == (("note",) if tells else ())


def test_a_column_of_too_many_values_is_given_up() -> None:
    rows = [({"note": str(row // 5)}, LABELS[row // 5 % 100]) for row in range(5 * (MOST_PAIRS + 1))]

    assert tell(rows, ()) == ()
    assert tell(rows[:-5], ()) == ("note",)


def test_no_rows_tell_nothing() -> None:
    assert tell([], ()) == ()


def test_the_training_rows_of_a_table_are_looked_at(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "diagnosis", "icd", "ward", "split"])
        for row, label in enumerate(LABELS):
            Image.new("L", (4, 4), row).save(tmp_path / f"{row}.png")
            code = random.Random(row).choice(["J18", "Z00"]) if row >= 80 else {"fit": "Z00", "sick": "J18"}[label]
            table.writerow([f"{row}.png", label, code, row % 3, "test" if row >= 80 else "train"])

    source = open_source(str(tmp_path))

    assert isinstance(source, Tabular)
    assert source.telling_columns == ("icd",)


def test_columns_that_are_the_label_one_for_each_class_are_no_leak(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", *FEW])
        for row, label in enumerate([*FEW] * 20):
            Image.new("L", (4, 4), row).save(tmp_path / f"{row}.png")
            table.writerow([f"{row}.png", *(int(label == each) for each in FEW)])

    source = open_source(str(tmp_path))

    assert isinstance(source, Tabular)
    assert (source.classes, source.telling_columns) == (FEW, ())
