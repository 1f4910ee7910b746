"""Codes of classes get the names that a file beside the images gives them, or stay codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.sources import open_source

if TYPE_CHECKING:
    from pathlib import Path

NAMES = b'{"1": " cat", "7": "dog", "8": "never seen"}'


def numbered(root: Path, first: str = "1") -> Path:
    """Class folders 1 and 7; of an image the name is enough."""
    for name in (first, "7"):
        (root / name).mkdir(parents=True)
        (root / name / "a.png").touch()
    return root


def test_class_folders_and_labels_of_a_table_are_named_alike(tmp_path: Path) -> None:
    folders, table = numbered(tmp_path / "folders"), numbered(tmp_path / "table")
    (table / "labels.csv").write_text("file,label\n1/a.png,1\n7/a.png,7\n")
    for root in (folders, table):
        (root / "names.json").write_bytes(NAMES)

    assert open_source(str(folders)).classes == open_source(str(table)).classes == ("cat", "dog")


@pytest.mark.parametrize(
    "content",
    [
        b'{"1": "cat"}',
        b'{"1": "cat", "7": "cat"}',
        b'{"1": "cat", "7": 7}',
        b'{"1": "cat", "7": "d\\u001bog"}',
        b'["cat", "dog"]',
        b'{"1": "cat", "7": ',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
    ids=["one is missing", "one name twice", "a number", "an escape", "a list", "cut off", "no text", "deep"],
)
def test_what_does_not_name_each_class_apart_names_none(tmp_path: Path, content: bytes) -> None:
    root = numbered(tmp_path / "pets")
    (root / "names.json").write_bytes(content)

    assert open_source(str(root)).classes == ("1", "7")


def test_labels_of_arrays_are_named_where_they_count_from_zero(tmp_path: Path) -> None:
    for name, first in (("counted", 0), ("coded", 5)):
        (tmp_path / name).mkdir()
        labels = np.arange(first, first + 2).repeat(3)
        np.savez(tmp_path / name / "images.npz", X=np.zeros((6, 8, 8), np.uint8), y=labels)
        (tmp_path / name / "names.json").write_bytes(b'{"0": "cat", "1": "dog", "5": "cow", "6": "pig"}')

    assert open_source(str(tmp_path / "counted")).classes == ("cat", "dog")
    assert open_source(str(tmp_path / "coded")).classes == ("5", "6")


def test_classes_that_have_names_keep_them(tmp_path: Path) -> None:
    root = numbered(tmp_path / "pets", "cow")
    (root / "names.json").write_bytes(b'{"cow": "cat", "7": "dog"}')

    assert open_source(str(root)).classes == ("7", "cow")
