"""Test images without labels go the whole way of preparing, beside the splits and not into them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.images import open_images
from orchestrator.dataset import Dataset
from tests.test_prepare import Prepared, pets, picture

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = "id,label\n902,cat\n=gone,cat\n901,cat\n"


def unlabelled_pets(root: Path, height: int = 6, form: str = "png") -> Path:
    """20 images of each class in train/, two without labels in test/, a sample of these and one more."""
    pets(root / "train", height=height, form=form)
    (root / "test").mkdir()
    for number in (901, 902):
        picture(number, height).save(root / "test" / f"{number}.{form}")
    (root / "sample_submission.csv").write_text(SAMPLE, encoding="utf-8")
    return root


@pytest.mark.parametrize(("height", "form"), [(6, "array"), (100, "encoded")])
def test_they_are_stored_as_the_others_in_the_order_of_the_sample(tmp_path: Path, height: int, form: str) -> None:
    prepared = Prepared(tmp_path, str(unlabelled_pets(tmp_path / "pets", height)))

    assert prepared.facts["form"] == form
    images = open_images(prepared.out / "unlabelled", 3)
    assert len(images) == 2
    for index, number in enumerate((902, 901)):
        np.testing.assert_array_equal(images.image(index), np.asarray(picture(number, height)).transpose(2, 0, 1))


def test_they_are_in_no_split_and_no_statistics(tmp_path: Path) -> None:
    alone = Prepared(tmp_path, str(pets(tmp_path / "alone"))).facts
    (tmp_path / "with").mkdir()

    facts = Prepared(tmp_path / "with", str(unlabelled_pets(tmp_path / "with" / "pets"))).facts

    for name in ("splits", "split_rule", "mean", "std", "sizes", "duplicates", "classes"):
        assert facts[name] == alone[name], name
    assert alone["unlabelled"] is None


def test_their_layout_rows_and_notes_are_what_the_host_reads(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, str(unlabelled_pets(tmp_path / "pets")))

    unlabelled = Dataset(prepared.out).facts.unlabelled
    assert unlabelled is not None
    assert (unlabelled.images, unlabelled.columns, unlabelled.labels) == (2, ("id", "label"), ("cat", "dog"))
    assert "without an image here (1, '=gone' first)" in unlabelled.notes[0]
    with (prepared.out / "hidden" / "unlabelled.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["902"], ["=gone", "cat"], ["901"]]
    assert prepared.facts["checksums"].keys() >= {"unlabelled/images.npy", "hidden/unlabelled.csv"}


def test_one_of_another_size_makes_all_encoded(tmp_path: Path) -> None:
    root = unlabelled_pets(tmp_path / "pets")
    picture(902, 9).save(root / "test" / "902.png")

    facts = Prepared(tmp_path, str(root)).facts

    assert (facts["form"], facts["image_size"]) == ("encoded", None)
    assert facts["sizes"]["largest"] == [6, 5]


@pytest.mark.parametrize("cut", [5, -30])
def test_broken_ones_are_named_with_the_others(tmp_path: Path, cut: int) -> None:
    root = unlabelled_pets(tmp_path / "pets")
    for name in ("train/cat/3.png", "test/902.png"):
        (root / name).write_bytes((root / name).read_bytes()[:cut])

    said = Prepared(tmp_path, str(root)).refusal()

    assert said.startswith("2 images cannot be read: 'train/cat/3.png' (")
    assert "'test/902.png' (" in said
