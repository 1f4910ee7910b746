"""Real digits, written in every form of a dataset by the library that defines it."""

from __future__ import annotations

import csv
import json
import shutil
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from tests.test_array_sources import write_cifar, write_idx, write_npz, write_svhn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Images: TypeAlias = NDArray[np.uint8]
    Labels: TypeAlias = NDArray[np.int64]
    Splits: TypeAlias = dict[str, tuple[Images, Labels]]

COUNTS = {"train": 1000, "test": 300}
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@cache
def digits(side: int, channels: int = 1) -> Splits:
    """Split -> images (N, side, side) or (N, side, side, channels), enlarged from 8 x 8, and labels (N,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - it takes a second

    content = load_digits()
    grey = [
        np.asarray(Image.fromarray((image * 15.9).astype(np.uint8)).resize((side, side))) for image in content.images
    ]
    images = np.stack(grey) if channels == 1 else np.repeat(np.stack(grey)[..., None], channels, axis=3)
    labels = content.target.astype(np.int64)
    middle, end = COUNTS["train"], sum(COUNTS.values())
    return {"train": (images[:middle], labels[:middle]), "test": (images[middle:end], labels[middle:end])}


def write_folders(folder: Path, suffix: str = ".png", *, nested: bool = False) -> Path:
    """One folder for each class, or train/ and test/ of such."""
    for split, (images, labels) in digits(28).items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / (split if nested else "") / NAMES[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{split}-{number:04}{suffix}")
    return folder


def write_table(folder: Path, name: str, *, one_hot: bool = False, groups: bool = False) -> Path:
    """Files in `photos/`, and one table of all."""
    (folder / "photos").mkdir()
    rows: list[dict[str, str]] = []
    for split, (images, labels) in digits(28).items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = f"photos/{split}-{number:04}.png"
            Image.fromarray(image).save(folder / file)
            told = {each: str(int(each == NAMES[label])) for each in NAMES} if one_hot else {"label": NAMES[label]}
            rows.append({"file": file, **told, **({"writer": f"w{number % 40}"} if groups else {})})
    with (folder / name).open("w", encoding="utf-8", newline="") as table:
        if name.endswith(".jsonl"):
            table.writelines(f"{json.dumps(row)}\n" for row in rows)
        else:
            writer = csv.DictWriter(table, list(rows[0]), delimiter="\t" if name.endswith(".tsv") else ",")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def write_parquet(folder: Path) -> Path:
    """Shards as on the Hugging Face hub, with the names of the classes in their schema."""
    import io  # noqa: PLC0415 - beside the format's own library

    import pyarrow as pa  # noqa: PLC0415 - of the extra `harness`
    import pyarrow.parquet as pq  # noqa: PLC0415 - of the same

    features = {"image": {"_type": "Image"}, "label": {"names": list(NAMES), "_type": "ClassLabel"}}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", kind), ("label", pa.int64())])
    schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    for split, (images, labels) in digits(28).items():
        rows = []
        for image, label in zip(images, labels, strict=True):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            rows.append({"image": {"bytes": file.getvalue(), "path": None}, "label": int(label)})
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{split}-00000-of-00001.parquet")
    return folder


def write_unlabelled(folder: Path) -> Path:
    """Class folders in train/, loose images in test/, and a sample of what is to be handed in."""
    write_folders(folder, nested=True)
    test = folder / "test"
    files = sorted(test.rglob("*.png"))
    for file in files:
        file.rename(test / file.name)
    for name in NAMES:
        (test / name).rmdir()
    rows = "".join(f"{file.name},{NAMES[0]}\n" for file in files)
    (folder / "sample_submission.csv").write_text(f"id,label\n{rows}", encoding="utf-8")
    return folder


def write_archive(folder: Path, kind: str) -> Path:
    """Class folders in one file."""
    source = write_folders(folder / "digits")
    return folder / shutil.make_archive(str(folder / "digits"), kind, source.parent, source.name)


FORMS: Mapping[str, tuple[Callable[[Path], Path], Sequence[str]]] = {
    "class folders": (write_folders, ()),
    "train/ and test/ of class folders, JPEG": (lambda folder: write_folders(folder, ".jpg", nested=True), ()),
    "CSV": (lambda folder: write_table(folder, "labels.csv"), ()),
    "TSV": (lambda folder: write_table(folder, "labels.tsv"), ()),
    "JSON lines": (lambda folder: write_table(folder, "labels.jsonl"), ()),
    "CSV, one column for each class": (lambda folder: write_table(folder, "labels.csv", one_hot=True), ()),
    "CSV with groups": (
        lambda folder: write_table(folder, "labels.csv", groups=True),
        ("--dataset-group-column", "writer"),
    ),
    "parquet, Hugging Face": (write_parquet, ()),
    "npz, MedMNIST": (lambda folder: write_npz(folder, digits(28), "{split}_{kind}"), ()),
    "npz, x_train and y_train": (lambda folder: write_npz(folder, digits(28), "{kind}_{split}"), ()),
    ".mat, SVHN": (lambda folder: write_svhn(folder, digits(32, 3)), ()),
    "CIFAR, binary": (lambda folder: write_cifar(folder, digits(32, 3), binary=True, names=NAMES), ()),
    "CIFAR, pickled": (lambda folder: write_cifar(folder, digits(32, 3), binary=False, names=NAMES), ()),
    "IDX": (lambda folder: write_idx(folder, digits(28)), ()),
    "IDX, gzipped": (lambda folder: write_idx(folder, digits(28), packed=True), ()),
    "zip of class folders": (lambda folder: write_archive(folder, "zip"), ()),
    "tar.gz of class folders": (lambda folder: write_archive(folder, "gztar"), ()),
    "test images without labels": (write_unlabelled, ()),
}
"""What is written, and what the command line is told beside its path."""


def write_form(name: str, folder: Path) -> Path:
    """Write it in a folder to be made; return what the command line is given."""
    folder.mkdir(parents=True)
    return FORMS[name][0](folder)
