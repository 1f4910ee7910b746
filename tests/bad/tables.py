"""Tables that contradict themselves, the folder, or their format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.bad.pictures import loose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], str]


def rows(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, "cat" if number % 2 else "dog") for number, name in enumerate(names)]


def table(change: Callable[[str], str], encoding: str = "utf-8", kept: int | None = None) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        text = "file,label\n" + "".join(f"{file},{label}\n" for file, label in rows(loose(root)))
        (root / "labels.csv").write_bytes(change(text).encode(encoding)[:kept])
        return root

    return make


def json_lines(change: Callable[[list[dict[str, object]]], list[object]]) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        lines = change([{"file": file, "label": label} for file, label in rows(loose(root))])
        text = "".join(line if isinstance(line, str) else f"{json.dumps(line)}\n" for line in lines)
        (root / "labels.jsonl").write_text(text)
        return root

    return make


def two_tables(root: Path) -> Path:
    table(lambda text: text)(root)
    (root / "other.csv").write_text((root / "labels.csv").read_text())
    return root


def alone(root: Path) -> Path:
    """The table is given, and its images are not there."""
    root.mkdir()
    (root / "labels.csv").write_text("file,label\n1.png,cat\n2.png,dog\n")
    return root / "labels.csv"


def numbers(labels: Sequence[object]) -> Callable[[Path], Path]:
    return json_lines(
        lambda lines: [{**line, "label": labels[number % len(labels)]} for number, line in enumerate(lines)]
    )


CASES: dict[str, Case] = {
    "no column of labels": (
        table(lambda text: text.replace("file,label", "file,size,x").replace(".png,", ".png,1,")),
        r"'labels\.csv' has the columns file, size, x, and not the ones .*: look at .*DATASET_LABEL_COLUMN.*\.",
    ),
    "a row without a label": (
        table(lambda text: text.replace("3.png,", "3.png,\n#", 1)),
        r"Row \d+ of 'labels\.csv' has no label in column 'label': mend it\.",
    ),
    "a row whose file is missing": (
        table(lambda text: f"{text}99.png,cat\n"),
        r"The table names files that are not there: '99\.png'; add them or remove the rows\.",
    ),
    "a row that leaves the folder": (
        table(lambda text: f"{text}../../evil.png,cat\n"),
        r"Row 25 of 'labels\.csv' names '\.\./\.\./evil\.png': a file of the folder is wanted\.",
    ),
    "two labels for a file": (
        table(lambda text: f"{text}0.png,emu\n"),
        r"'0\.png' has the labels 'dog' and 'emu': keep one row of it\.",
    ),
    "a table without rows": (
        table(lambda _: "file,label\n"),
        r"'labels\.csv' has no rows: give a table of files and labels\.",
    ),
    "an empty table": (table(lambda _: ""), r"'labels\.csv' has no rows: give a table of files and labels\."),
    "a table in UTF-16 cut off": (
        table(lambda text: text, encoding="utf-16", kept=-1),
        r"'labels\.csv' cannot be read as a table \('utf-16.*' codec can't decode .*\): mend it\.",
    ),
    "a table in UTF-32": (
        table(lambda text: text, encoding="utf-32-be"),
        r"'labels\.csv' cannot be read as a table \(it holds zero bytes, .*\): mend it\.",
    ),
    "a value of ten million letters": (
        table(lambda text: f"{text}0.png,{'x' * 10**7}\n"),
        r"'labels\.csv' cannot be read as a table \(field larger than field limit.*\): mend it\.",
    ),
    "a quote that does not end": (
        table(lambda text: text.replace("\n3.png", '\n"3.png')),
        r"'labels\.csv' cannot be read as a table \(unexpected end of data\): mend it\.",
    ),
    "a broken line of JSON": (
        json_lines(lambda lines: [*lines, '{"file": "0.png", "lab\n']),
        r"'labels\.jsonl' cannot be read as a table \(.*\): mend it\.",
    ),
    "a line of JSON that is a list": (
        json_lines(lambda lines: [*lines, ["0.png", "cat"]]),
        r"'labels\.jsonl' cannot be read as a table \(a line is no object\): mend it\.",
    ),
    "labels of several types": (
        numbers([1, "1", 1.0, "cat"]),
        r"Labels '1' and '1\.0' are one number, written in two ways: write it in one\.",
    ),
    "labels that are lists": (
        numbers([[1, 0], [0, 1]]),
        r"Row 1 of 'labels\.jsonl' has the label '\[1, 0\]', which is a list: give one class for each image\.",
    ),
    "labels that are no numbers": (
        numbers([float("nan"), 1]),
        r"Row 1 of 'labels\.jsonl' has no label in column 'label': mend it\.",
    ),
    "two tables that fit": (
        two_tables,
        r"'labels\.csv' and 'other\.csv' both name images and labels: keep one, or call them .*\.",
    ),
    "a table without its images": (
        alone,
        r"'labels\.csv' has the columns file, label, .* names no file here: look at .*\.",
    ),
}
