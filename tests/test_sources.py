"""What a source finds, what it leaves out, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.sources import open_source
from harness.sources.digits import Digits
from harness.sources.folders import scan
from harness.sources.source import UnusableDatasetError

ROOT = Path(__file__).parent.parent


def fill(root: Path, *files: str) -> Path:
    """Make files whose content does not matter: a scan reads names alone."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def refusal(root: Path) -> str:
    with pytest.raises(UnusableDatasetError) as caught:
        scan(root)
    return str(caught.value)


def test_digits_are_the_1797_real_ones() -> None:
    digits = Digits()

    assert digits.labels.shape == (1797,)
    assert Counter(digits.labels.tolist())[3] == 183
    assert len(digits.classes) == 10
    assert digits.read(0).shape == (8, 8)
    assert digits.read(0).dtype == np.uint8
    assert (digits.read(0).min(), max(digits.read(i).max() for i in range(20))) == (0, 255)
    assert not digits.given.any()


def test_digits_are_scaled_from_16_to_255() -> None:
    datasets = pytest.importorskip("sklearn.datasets")

    expected = np.rint(datasets.load_digits().images[:50] * 255 / 16)

    np.testing.assert_array_equal(expected, [Digits().read(index) for index in range(50)])


def test_digits_need_no_import_of_scikit_learn() -> None:
    program = (
        "import sys; from harness.sources.digits import Digits; Digits().labels;"
        "sys.exit(bool({'sklearn', 'scipy', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_location_is_a_name_or_a_folder(tmp_path: Path) -> None:
    assert open_source("digits").classes == tuple("0123456789")
    assert open_source(str(fill(tmp_path, "a/1.png", "b/1.png"))).classes == ("a", "b")


def test_class_folders_make_one_unsplit_set(tmp_path: Path) -> None:
    found = scan(fill(tmp_path, "dog/1.png", "cat/2.JPG", "cat/deep/er/3.webp"))

    assert found.classes == ("cat", "dog")
    assert tuple(found.files) == ("cat/2.JPG", "cat/deep/er/3.webp", "dog/1.png")
    assert found.labels.tolist() == [0, 0, 1]
    assert found.given.tolist() == [0, 0, 0]
    assert found.where(1) == "'cat/deep/er/3.webp'"


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_split_folders_keep_their_splits(tmp_path: Path, validation: str) -> None:
    found = scan(fill(tmp_path, "Train/a/1.png", "Train/b/1.png", f"{validation}/a/1.png", "TEST/b/1.png", "README"))

    assert tuple(found.files) == ("Train/a/1.png", "Train/b/1.png", f"{validation}/a/1.png", "TEST/b/1.png")
    assert found.given.tolist() == [0, 0, 1, 2]
    assert found.labels.tolist() == [0, 1, 0, 1]


def test_a_train_folder_alone_is_a_split(tmp_path: Path) -> None:
    assert scan(fill(tmp_path, "train/a/1.png", "train/b/1.png")).classes == ("a", "b")


def test_a_train_among_other_vehicles_is_a_class(tmp_path: Path) -> None:
    assert scan(fill(tmp_path, "train/1.png", "plane/1.png")).classes == ("plane", "train")


def test_a_train_among_other_vehicles_may_have_folders_beside_its_images(tmp_path: Path) -> None:
    assert scan(fill(tmp_path, "train/1.png", "train/steam/1.png", "plane/1.png")).classes == ("plane", "train")


def test_a_folder_without_images_beside_a_split_is_no_class(tmp_path: Path) -> None:
    found = scan(fill(tmp_path, "train/cat/1.png", "train/dog/1.png", "train/dog/x.txt", "docs/notes.txt"))

    assert found.classes == ("cat", "dog")
    assert found.skipped["not_images"] == 2


def test_what_is_no_image_is_skipped_and_counted(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png")
    fill(tmp_path, ".DS_Store", "a/._1.png", "a/Thumbs.db", ".git/x.png", "__MACOSX/a/1.png")
    fill(tmp_path, "notes.txt", "a/labels.csv", "b/1.png.bak")

    found = scan(tmp_path)

    assert tuple(found.files) == ("a/1.png", "b/1.png")
    assert found.skipped == {"hidden": 5, "not_images": 3, "links": 0, "not_named": 0}
    assert found.skipped_extensions == {".txt": 1, ".csv": 1, ".bak": 1}


def test_the_commonest_extensions_of_what_was_skipped_are_told(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png", "a/no extension", "a/x.a very long one", "b/odd.\x1b[0m", "b/odd.\udcff")
    fill(tmp_path, *(f"a/{n}.HEIC" for n in range(4)), "a/1.gz", "b/1.csv", "b/2.csv", "a/1.txt", "b/1.txt", "b/3.txt")

    found = scan(tmp_path)

    assert found.skipped["not_images"] == 14
    assert list(found.skipped_extensions.items()) == [(".heic", 4), (".txt", 3), (".csv", 2)]


@pytest.mark.parametrize(("name", "skipped"), [("dataset_info.txt", 0), ("dataset_info.md", 0), ("Dataset.txt", 1)])
def test_a_file_beside_the_folders_describes_the_dataset(tmp_path: Path, name: str, skipped: int) -> None:
    fill(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / name).write_text("\n  Leaves \u2014 from a field.\n\n", encoding="utf-8")

    found = scan(tmp_path)

    assert found.description == ("" if skipped else "Leaves \u2014 from a field.")
    assert found.skipped["not_images"] == skipped


def test_a_description_is_cut_and_what_is_no_utf_8_replaced(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "dataset_info.txt").write_bytes(b"\xef\xbb\xbf\xff" + "\u6728".encode() * 5000)

    assert scan(tmp_path).description == "\ufffd" + "\u6728" * 3999


def test_only_a_file_of_the_top_folder_that_stays_inside_is_a_description(tmp_path: Path) -> None:
    outside = fill(tmp_path / "outside", "secret")
    (outside / "secret").write_text("secret")
    root = fill(tmp_path / "root", "a/1.png", "b/1.png", "a/dataset_info.txt", "dataset_info.md/1.png")
    (root / "dataset_info.txt").symlink_to(outside / "secret")

    found = scan(root)

    assert found.description == ""
    assert found.classes == ("a", "b", "dataset_info.md")
    assert found.skipped == {"hidden": 0, "not_images": 1, "links": 1, "not_named": 0}


def test_links_are_followed_only_to_files_inside(tmp_path: Path) -> None:
    outside = fill(tmp_path / "outside", "x.png", "sub/y.png")
    root = fill(tmp_path / "root", "a/1.png", "b/1.png")
    (root / "b/inside.png").symlink_to("../a/1.png")
    (root / "b/leaves.png").symlink_to(outside / "x.png")
    (root / "b/broken.png").symlink_to("nowhere.png")
    (root / "b/loop").symlink_to(root)
    (root / "c").symlink_to(outside / "sub")

    found = scan(root)

    assert tuple(found.files) == ("a/1.png", "b/1.png", "b/inside.png")
    assert found.skipped["links"] == 4


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png")
    Image.new("L", (2, 2)).save(tmp_path / "a/1.png")

    assert scan(tmp_path).read(0) == (tmp_path / "a/1.png").read_bytes()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "The folder holds no sub-folders: put the images of each class into one of its own."),
        (["1.png", "2.png"], "Images lie directly in the folder (2 of them, '1.png' first)"),
        (["a/1.png", "b/1.png", "stray.png"], "Images lie directly in the folder (1 of them, 'stray.png' first)"),
        (["train/1.png", "test/a/1.png"], "Images lie directly in 'train/' (1 of them, '1.png' first)"),
        (["a/x.txt", "b/y.txt"], "No sub-folder holds an image"),
        (["a/1.png", "b/x.txt"], "No image lies in class folder 'b' (train): add images or remove the folder."),
        (["a/1.png", "A/1.png"], "Class folders 'A' and 'a' differ only in case"),
        (["Caf\u00e9/1.png", "Cafe\u0301/1.png"], r"Class folders 'Cafe\u0301' and 'Caf\xe9' differ only in case"),
        (["train/a/1.png", "train/b/1.png", "test/A/1.png"], "Class folders 'A' and 'a' differ only in case"),
        (["train/a/1.png", "test/c/1.png"], "Class 'c' is in test but not in train"),
        (["test/a/1.png", "val/a/1.png"], "There is 'test/' but no train/"),
        (["train/a/1.png", "val/a/1.png", "valid/a/1.png"], "train, val, valid name one split twice"),
        (["train/a/1.png", "test/a/1.png", "extra/1.png"], "Images lie in 'extra/' beside test, train, and beside"),
        (["train/cat/1.png", "train/dog/1.png", "unlabelled/1.png"], "Images lie in 'unlabelled/' beside train, and"),
        (
            ["Training/cat/1.png", "a/1.png", "b/x/1.png"],
            "Images lie in 'a/', 'b/' beside Training, and beside a split",
        ),
        (["train/cat/1.png", "train/dog/1.png", "test1/1.png"], "Images lie in 'test1/' beside train, and beside a"),
        (
            ["val/cat/1.png", "val/dog/1.png", "dog/1.png"],
            "There is 'val/' but no train/: add it, or rename the folder.",
        ),
        (["a\n/1.png", "b/1.png"], r"Class folder 'a\n' has unprintable characters"),
    ],
)
def test_each_refusal_is_one_clear_sentence(tmp_path: Path, files: list[str], sentence: str) -> None:
    text = refusal(fill(tmp_path, *files))

    assert text.startswith(sentence)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("files", "links", "sentence"),
    [
        ([], ["cat", "dog"], "The folder holds no sub-folders: put the images of each class into one of its own"),
        (["cat/notes.txt"], ["cat/1.png", "cat/2.png"], "No sub-folder holds an image"),
        (["cat/1.png", "dog/notes.txt"], ["dog/1.png", "dog/2.png"], "No image lies in class folder 'dog' (train)"),
        (["test/cat/1.png"], ["train", "val"], "There is 'test/' but no train/"),
    ],
)
def test_a_refusal_for_want_of_images_tells_of_links(
    tmp_path: Path, files: list[str], links: list[str], sentence: str
) -> None:
    root = fill(tmp_path / "root", ".hidden", *files)
    for link in links:
        (root / link).symlink_to(fill(tmp_path / "outside", "1.png"))

    text = refusal(root)

    assert text.startswith(sentence)
    assert text.endswith(" (links skipped: 2; copy what they point to).")


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert "is no folder" in refusal(tmp_path / "nowhere")
    assert "is no folder" in refusal(fill(tmp_path, "file") / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_description_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (fill(tmp_path, "a/1.png", "b/1.png", "dataset_info.txt") / "dataset_info.txt").chmod(0)

    assert refusal(tmp_path).startswith("'dataset_info.txt' cannot be read (Permission denied)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    (fill(tmp_path, "a/1.png", "b/1.png") / "b").chmod(0)

    assert refusal(tmp_path).startswith("'b/' cannot be listed (Permission denied): allow it")
