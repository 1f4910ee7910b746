"""Test images without labels, and what a sample submission beside them wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from PIL import Image

from harness.sources import open_source
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.sources.source import Source
    from harness.sources.unlabelled import Unlabelled

FOLDERS = ("train/cat/1.jpg", "train/dog/2.jpg", "test/b.jpg", "test/a.jpg")
TABLE = "Id,label\n1,cat\n2,dog\n"


def fill(root: Path, images: tuple[str, ...], tables: Mapping[str, str] | None = None) -> Path:
    """Real images, each of its own grey, and texts."""
    for number, name in enumerate(images):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(root / name)
    for name, text in (tables or {}).items():
        (root / name).write_text(text, encoding="utf-8")
    return root


def unlabelled(source: Source) -> Unlabelled:
    assert source.unlabelled is not None
    return source.unlabelled


def rows(source: Source) -> list[tuple[str, ...]]:
    return [tuple(row) for row in unlabelled(source).rows()]


def test_a_flat_test_folder_beside_class_folders_lacks_labels(tmp_path: Path) -> None:
    source = open_source(str(fill(tmp_path, FOLDERS)))

    assert source.classes == ("cat", "dog")
    assert source.given.tolist() == [0, 0]
    assert rows(source) == [("a.jpg",), ("b.jpg",)]
    assert unlabelled(source).layout.columns == ("id", "label")
    assert unlabelled(source).read(1) == (tmp_path / "test" / "b.jpg").read_bytes()
    assert unlabelled(source).where(0) == "'test/a.jpg'"


def test_a_test_folder_of_class_folders_has_labels(tmp_path: Path) -> None:
    source = open_source(
        str(fill(tmp_path, ("train/cat/1.jpg", "train/dog/2.jpg", "test/cat/b.jpg", "test/dog/a.jpg")))
    )

    assert source.unlabelled is None
    assert source.given.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize(("first", "second"), [("b.jpg", "a.jpg"), ("b", "a"), ("test/b.jpg", "test/a.jpg")])
def test_the_sample_gives_order_ids_and_columns(tmp_path: Path, first: str, second: str) -> None:
    sample = f"file,species\n{first},cat\n{second},cat\n"
    source = open_source(str(fill(tmp_path, FOLDERS, {"sample_submission.csv": sample})))

    assert rows(source) == [(first,), (second,)]
    assert unlabelled(source).layout.columns == ("file", "species")
    assert unlabelled(source).layout.labels == ("cat", "dog")
    assert unlabelled(source).where(0) == "'test/b.jpg'"
    assert unlabelled(source).notes == ()


def test_classes_may_have_columns_in_any_order(tmp_path: Path) -> None:
    sample = "id,dog,cat\na,0.5,0.5\nb,0.5,0.5\n"
    source = open_source(str(fill(tmp_path, FOLDERS, {"sampleSubmission.csv": sample})))

    assert unlabelled(source).layout.columns == ("id", "dog", "cat")
    assert unlabelled(source).layout.labels == ("cat", "dog")


def test_rows_without_an_image_keep_their_values_and_are_told(tmp_path: Path) -> None:
    sample = "id,dog,cat\nb,0.5,0.5\nx,0.1,0.9\na,0.5,0.5\n"
    source = open_source(str(fill(tmp_path, FOLDERS, {"sample_submission.csv": sample})))

    assert rows(source) == [("b",), ("x", "0.1", "0.9"), ("a",)]
    assert unlabelled(source).where(1) == "'test/a.jpg'"
    [note] = unlabelled(source).notes
    assert note == (
        "Rows of 'sample_submission.csv' without an image here (1, 'x' first) keep their values in the submission."
    )


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ("id,label\na,cat\n", "Test images that 'sample_submission.csv' does not name (1) are not in the submission."),
        ("id,label\na,0\nb,0\n", "'sample_submission.csv' has '0' as a label, which is no class"),
        ("id,x,y,z\na,0,0,0\nb,0,0,0\n", "its columns are an id and 3 more, and neither one label nor one for each"),
        ("id,label\n7,cat\n8,cat\n", "its first column names no image that is here ('7' first)"),
    ],
)
def test_what_is_odd_about_a_sample_is_told(tmp_path: Path, sample: str, says: str) -> None:
    source = open_source(str(fill(tmp_path, FOLDERS, {"sample_submission.csv": sample})))

    [note] = unlabelled(source).notes
    assert says in note


def test_a_sample_that_names_an_image_twice_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, FOLDERS, {"sample_submission.csv": "id,label\na,cat\nb,cat\na,dog\n"})

    with pytest.raises(UnusableDatasetError, match=r"Row 3 of 'sample_submission.csv' names what an earlier row does"):
        open_source(str(tmp_path))


def test_a_link_out_of_the_folder_is_no_image(tmp_path: Path) -> None:
    fill(tmp_path / "data", FOLDERS, {"sample_submission.csv": "id,label\na,cat\nb,cat\nc,cat\n"})
    fill(tmp_path, ("outside.jpg",))
    (tmp_path / "data" / "test" / "c.jpg").symlink_to(tmp_path / "outside.jpg")

    assert rows(open_source(str(tmp_path / "data"))) == [("a",), ("b",), ("c", "cat")]


def test_beside_a_table_the_sample_alone_tells_the_test_images(tmp_path: Path) -> None:
    images = ("train_images/7.jpg", "train_images/8.jpg", "test_images/9.jpg")
    tables = {"train.csv": "image_id,label\n7.jpg,0\n8.jpg,3\n", "sample_submission.csv": "image_id,label\n9.jpg,4\n"}
    source = open_source(str(fill(tmp_path, images, tables)))

    assert source.classes == ("0", "3")
    assert rows(source) == [("9.jpg",)]
    assert unlabelled(source).layout.columns == ("image_id", "label")
    assert unlabelled(source).where(0) == "'test_images/9.jpg'"


@pytest.mark.parametrize("test", ["Id\n0004\n0003\n", "Id,width\n0004,4\n0003,4\n", "n,Id\n1,0004\n2,0003\n"])
def test_a_table_without_labels_names_the_test_images(tmp_path: Path, test: str) -> None:
    images = tuple(f"images/000{number}.jpg" for number in (1, 2, 3, 4))
    tables = {"train.csv": "Id,label\n0001,cup\n0002,fork\n", "test.csv": test}
    source = open_source(str(fill(tmp_path, images, tables)))

    assert len(source.labels) == 2
    assert rows(source) == [("0004",), ("0003",)]
    assert unlabelled(source).layout.columns == ("id", "label")


def test_the_sample_goes_before_the_table_without_labels(tmp_path: Path) -> None:
    images = tuple(f"images/000{number}.jpg" for number in (1, 2, 3, 4))
    tables = {
        "train.csv": "Id,label\n0001,cup\n0002,fork\n",
        "test.csv": "Id\n0003\n0004\n",
        "sample_submission.csv": "Id,label\n0004,cup\n0003,cup\n",
    }
    source = open_source(str(fill(tmp_path, images, tables)))

    assert rows(source) == [("0004",), ("0003",)]
    assert unlabelled(source).layout.columns == ("Id", "label")


def test_a_sample_of_images_with_labels_wants_nothing(tmp_path: Path) -> None:
    tables = {
        "train.csv": TABLE,
        "test.csv": "Id,label\n3,cat\n4,dog\n",
        "sample_submission.csv": "Id,label\n3,cat\n4,cat\n",
    }
    source = open_source(str(fill(tmp_path, tuple(f"images/{number}.jpg" for number in (1, 2, 3, 4)), tables)))

    assert sorted(source.given) == [0, 0, 2, 2]
    assert source.unlabelled is None


def test_where_numbers_are_names_each_table_finds_its_own_folder(tmp_path: Path) -> None:
    images = ("train/1.png", "train/2.png", "test/1.png", "test/2.png")
    tables = {"trainLabels.csv": "id,label\n1,cat\n2,dog\n", "sampleSubmission.csv": "id,label\n1,cat\n2,cat\n"}
    source = open_source(str(fill(tmp_path, images, tables)))

    assert [source.where(index) for index in range(2)] == ["'train/1.png'", "'train/2.png'"]
    assert [unlabelled(source).where(index) for index in range(2)] == ["'test/1.png'", "'test/2.png'"]


@pytest.mark.parametrize("folders", [("train", "test1"), ("Train1", "train2", "VAL")])
def test_folders_named_like_numbered_splits_are_no_classes(tmp_path: Path, folders: tuple[str, ...]) -> None:
    fill(tmp_path, tuple(f"{folder}/{name}.0.jpg" for folder in folders for name in ("cat", "dog")))

    with pytest.raises(UnusableDatasetError, match="are named like splits and hold images directly"):
        open_source(str(tmp_path))
