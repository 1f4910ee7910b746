"""Parquet files as the Hugging Face hub has them, written by pyarrow with the metadata that `datasets` writes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")
pytest.importorskip("pyarrow", reason="the extra `harness` is not installed")

import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from harness.sources import open_source
from harness.sources.source import SPLITS, UnusableDatasetError
from harness.sources.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sources.source import Source

ROOT = Path(__file__).parent.parent
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ["cat", "dog", "owl"]
CLASSES = {"names": NAMES, "_type": "ClassLabel"}


def png(number: int) -> bytes:
    """Random pixels, of another length for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (6, 5 + number % 7, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def structs(numbers: range) -> Any:
    return pa.array([{"bytes": png(number), "path": f"{number}.png"} for number in numbers], IMAGE)


def write(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None, **options: Any) -> None:
    table = pa.table(columns)
    if features is not None:
        info = {"info": {"features": features, "description": " Pets. ", "license": "MIT"}, "fingerprint": "1"}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, **options)


def pets(path: Path, numbers: range, **more: Any) -> None:
    """Image n shows class n % 3."""
    labels = pa.array([number % 3 for number in numbers], pa.int64())
    features = {"image": {"_type": "Image"}, "label": CLASSES}
    write(path, {"image": structs(numbers), "label": labels, **more}, features, row_group_size=4)


def opened(folder: Path, columns: Columns | None = None) -> Source:
    return open_source(str(folder), columns, folder.with_name("scratch"))


def test_the_shards_of_all_splits_come_back_byte_for_byte_in_any_order_on_many_threads(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    pets(root / "data" / "train-00000-of-00002.parquet", range(11))
    pets(root / "data" / "train-00001-of-00002.parquet", range(11, 20))
    pets(root / "data" / "validation-00000-of-00001.parquet", range(20, 25))
    pets(root / "data" / "test-00000-of-00001.parquet", range(25, 30))

    source = opened(root)

    order = np.random.default_rng(0).permutation(30).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(source.read, order)) == [png(number) for number in order]
    assert source.classes == tuple(NAMES)
    assert source.labels.tolist() == [number % 3 for number in range(30)]
    assert [SPLITS[code] for code in source.given] == ["train"] * 20 + ["validation"] * 5 + ["test"] * 5
    assert source.where(12) == "'data/train-00001-of-00002.parquet'[1]"
    assert (source.description, source.licence) == ("Pets.", "MIT")


NUMBERS = range(6)
PLAIN = [png(number) for number in NUMBERS]
LABELS = [number % 2 for number in NUMBERS]
WORDS = ["dog" if number % 2 else "cat" for number in NUMBERS]
LAYOUTS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, Columns, tuple[str, ...]]] = {
    "bytes and words, without metadata": ({"picture": PLAIN, "what": WORDS}, None, Columns(), ("cat", "dog")),
    "large bytes and small numbers": (
        {"jpg": pa.array(PLAIN, pa.large_binary()), "cls": pa.array(LABELS, pa.uint8())},
        None,
        Columns(),
        ("0", "1"),
    ),
    "categories": (
        {"img": structs(NUMBERS), "label": pa.array(WORDS).dictionary_encode()},
        None,
        Columns(),
        ("cat", "dog"),
    ),
    "booleans": ({"img": structs(NUMBERS), "label": [bool(label) for label in LABELS]}, None, Columns(), ("0", "1")),
    "named classes beside other numbers": (
        {"id": list(NUMBERS), "img": structs(NUMBERS), "kind": LABELS},
        {"img": {"_type": "Image"}, "kind": CLASSES},
        Columns(),
        ("cat", "dog"),
    ),
    "a usual name among words": (
        {"image": structs(NUMBERS), "caption": list("abcdef"), "label": WORDS},
        None,
        Columns(),
        ("cat", "dog"),
    ),
    "a usual name among images": (
        {"mask": structs(range(9, 15)), "image": structs(NUMBERS), "label": WORDS},
        None,
        Columns(),
        ("cat", "dog"),
    ),
    "columns that the user names": (
        {"a": structs(NUMBERS), "b": structs(range(9, 15)), "fine_label": [7] * 6, "coarse_label": LABELS},
        {"fine_label": CLASSES, "coarse_label": CLASSES},
        Columns(file="A", label="coarse_label"),
        ("cat", "dog"),
    ),
    "metadata that is none": (
        {"image": structs(NUMBERS), "label": LABELS},
        {"label": "ClassLabel", "image": None},
        Columns(),
        ("0", "1"),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("single", [False, True], ids=["folder", "file"])
def test_columns_are_found_by_type_and_name(tmp_path: Path, name: str, single: bool) -> None:
    columns, features, named, classes = LAYOUTS[name]
    path = tmp_path / "hub" / "test.parquet" if single else tmp_path / "hub" / "all.parquet"
    write(path, columns, features)

    source = open_source(str(path if single else path.parent), named, tmp_path / "scratch")

    assert source.classes == classes
    assert source.labels.tolist() == LABELS
    assert [source.read(number) for number in NUMBERS] == PLAIN
    assert set(source.given.tolist()) == {0}
    assert source.groups is None


SPLIT_NAMES = {
    "default/train/0000.parquet": "train",
    "default/test/0000.parquet": "test",
    "default/valid/0000.parquet": "validation",
}


def test_a_folder_may_tell_the_split(tmp_path: Path) -> None:
    for name in SPLIT_NAMES:
        pets(tmp_path / "hub" / name, range(6))

    source = opened(tmp_path / "hub")

    where = {source.where(index).split("'")[1]: SPLITS[code] for index, code in enumerate(source.given)}
    assert where == SPLIT_NAMES


def test_a_column_of_groups_can_be_named(tmp_path: Path) -> None:
    pets(tmp_path / "hub" / "all.parquet", range(6), patient=["x", "y", "x", "z", "y", "x"])

    groups = opened(tmp_path / "hub", Columns(group="patient")).groups

    assert groups is not None
    first = {group: groups.tolist().index(group) for group in groups.tolist()}
    assert [first[group] for group in groups.tolist()] == [0, 1, 0, 3, 1, 0]


def test_class_folders_with_parquet_of_other_things_are_class_folders(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "about.parquet", {"who": ["me"], "year": [2020]})
    for name in NAMES:
        (tmp_path / "hub" / name).mkdir()
        (tmp_path / "hub" / name / "1.png").write_bytes(png(1))

    assert opened(tmp_path / "hub").where(0) == "'cat/1.png'"


def test_parquet_in_an_archive_is_found(tmp_path: Path) -> None:
    import zipfile  # noqa: PLC0415 - of this test alone

    pets(tmp_path / "hub" / "train.parquet", range(6))
    with zipfile.ZipFile(tmp_path / "hub.zip", "w") as archive:
        archive.write(tmp_path / "hub" / "train.parquet", "hub/train.parquet")

    assert opened(tmp_path / "hub.zip").read(5) == png(5)


def bad(**columns: Any) -> Callable[[Path], None]:
    return lambda root: write(root / "train.parquet", columns, {"label": CLASSES} if "classed" in columns else None)


def shard(*names: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for name in names:
            pets(root / name, range(3))

    return make


def broken(content: bytes) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        root.mkdir()
        (root / "train.parquet").write_bytes(content)

    return make


def cut_off(root: Path) -> None:
    """The pages in the middle are gone; what tells where they are is not."""
    pets(root / "train.parquet", range(40))
    content = bytearray((root / "train.parquet").read_bytes())
    content[100:3000] = bytes(2900)
    (root / "train.parquet").write_bytes(content)


def of_two_datasets(root: Path) -> None:
    pets(root / "train.parquet", range(3))
    write(root / "test.parquet", {"image": structs(range(3)), "label": ["a", "b", "c"]})


def unknown(root: Path) -> None:
    features = {"label": CLASSES}
    write(root / "train.parquet", {"image": structs(range(3)), "label": [0, 1, -1]}, features)


THREE = structs(range(3))
WITHOUT_BYTES = pa.array([{"bytes": png(0), "path": "0.png"}, {"bytes": None, "path": "1.png"}], IMAGE)
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "several columns of labels": (
        bad(img=THREE, fine_label=[1, 2, 3], coarse_label=[0, 0, 1]),
        "'train.parquet' may have its labels in 'fine_label' and 'coarse_label': name the column in DATASET_LABEL_COL",
    ),
    "several columns of images": (
        bad(left=THREE, right=THREE, label=[1, 2, 3]),
        "'train.parquet' may have its images in 'left' and 'right': name the column in DATASET_FILE_COLUMN.",
    ),
    "no column of labels": (bad(image=THREE), "'train.parquet' has the columns image, and none of labels: add it."),
    "no column of images": (
        bad(file=["a.png"], label=[1]),
        "'train.parquet' has the columns file, label, and none of images, as bytes or with their path: give other",
    ),
    "labels of several classes": (
        bad(image=THREE, label=[[1], [1, 2], []]),
        "'train.parquet' has the columns image, label, and none of labels",
    ),
    "a label missing": (bad(image=THREE, label=[1, None, 2]), "'train.parquet'[1] has no label in column 'label': add"),
    "a label unknown": (unknown, "'train.parquet'[2] has no label in column 'label': add it, or move the file"),
    "an image missing": (
        bad(image=pa.array([png(0), png(1), None]), label=[1, 2, 3]),
        "'train.parquet'[2] has no image, or only the path of one: put its bytes into the file.",
    ),
    "a struct missing": (bad(image=pa.array([None], IMAGE), label=[1]), "'train.parquet'[0] has no image"),
    "a path alone": (bad(image=WITHOUT_BYTES, label=[1, 2]), "'train.parquet'[1] has no image, or only the path"),
    "no parquet": (broken(b"PAR1 and no more PAR1"), "'train.parquet' cannot be read as parquet ("),
    "nothing": (broken(b""), "'train.parquet' cannot be read as parquet ("),
    "broken in the middle": (cut_off, "'train.parquet' cannot be read as parquet ("),
    "what Git leaves": (
        broken(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n"),
        "'train.parquet' is what Git LFS leaves in the place of a file, and not the file: get it with `git lfs pull`.",
    ),
    "a shard missing": (
        shard("data/train-00000-of-00003.parquet", "data/train-00002-of-00003.parquet"),
        "'data/train-00001-of-00003.parquet' is missing, of 3 files: get it too.",
    ),
    "several datasets": (
        shard("full/train-00000-of-00001.parquet", "cropped/train-00000-of-00001.parquet"),
        "Parquet files lie in 'cropped/', 'full/', as if they were several datasets: give one of them.",
    ),
    "a split of another name": (
        shard("train-00000-of-00001.parquet", "extra-00000-of-00001.parquet"),
        "'extra-00000-of-00001.parquet' is of no split by its name, and other files are: call it train",
    ),
    "columns of another type": (
        of_two_datasets,
        "'test.parquet' has other columns of images and labels (image of struct<bytes: binary, path: string>, label of",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_one_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    make, sentence = BAD[name]
    make(tmp_path / "hub")

    with pytest.raises(UnusableDatasetError) as caught:
        opened(tmp_path / "hub")

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (Columns(label="nothing"), r"^'train.parquet' has the columns image, label, and not 'nothing': look at"),
        (Columns(file="label"), r"^Column 'label' of 'train.parquet' holds int64, and of images the bytes are wanted"),
        (Columns(label="image"), r"^Column 'image' of 'train.parquet' holds struct<.*, and of labels whole numbers"),
        (Columns(group="patient"), r"^'train.parquet' has the columns image, label, and not 'patient': look at"),
    ],
)
def test_a_column_that_was_named_wrongly_is_told(tmp_path: Path, columns: Columns, sentence: str) -> None:
    pets(tmp_path / "hub" / "train.parquet", range(3))

    with pytest.raises(UnusableDatasetError, match=sentence):
        opened(tmp_path / "hub", columns)


PEAK = """
import sys, pathlib, pyarrow
from harness.sources import open_source
hub = pathlib.Path(sys.argv[1])
open_source(str(hub), None, hub.with_name("scratch"))
print(pyarrow.default_memory_pool().max_memory())
"""


@pytest.mark.parametrize("dictionary", [False, True])
def test_one_row_group_at_a_time_is_in_memory(tmp_path: Path, dictionary: bool) -> None:
    peaks = {}
    for groups in (1, 8):
        images = [np.random.default_rng(number).bytes(400_000) for number in range(10 * groups)]
        columns = {"image": images, "label": [number % 2 for number in range(10 * groups)]}
        hub = tmp_path / str(groups) / "hub"
        write(hub / "train.parquet", columns, row_group_size=10, use_dictionary=dictionary)
        ended = subprocess.run([sys.executable, "-c", PEAK, hub], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        peaks[groups] = int(ended.stdout)

    assert peaks[8] < 1.5 * peaks[1]


def test_links_and_hidden_files_do_not_count(tmp_path: Path) -> None:
    pets(tmp_path / "hub" / "train.parquet", range(6))
    pets(tmp_path / "hub" / ".cache" / "test.parquet", range(6))
    (tmp_path / "hub" / "test.parquet").symlink_to("train.parquet")

    assert len(opened(tmp_path / "hub").labels) == 6
