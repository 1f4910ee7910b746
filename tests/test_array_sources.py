"""Datasets that come as arrays, each written by what defines its format, give the same images and labels."""

from __future__ import annotations

import gzip
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.sources import open_source
from harness.sources.source import SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Writer = Callable[[Path, dict[str, tuple[NDArray[Any], NDArray[Any]]]], Path]

COUNTS = {"train": 30, "test": 12}


def make(shape: tuple[int, ...]) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Split -> random images and labels 0 1 2 0 1 2."""
    random = np.random.default_rng(0)
    return {
        split: (random.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % 3)
        for split, count in COUNTS.items()
    }


def write_idx(folder: Path, splits: dict[str, tuple[NDArray[Any], NDArray[Any]]], *, packed: bool = False) -> Path:
    for split, arrays in splits.items():
        prefix = {"train": "train-", "test": "t10k-"}[split]
        for name, array in zip(("images-idx3-ubyte", "labels-idx1-ubyte"), arrays, strict=True):
            content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            content += array.astype(np.uint8).tobytes()
            path = folder / f"{prefix}{name}{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def write_npz(folder: Path, splits: dict[str, tuple[NDArray[Any], NDArray[Any]]], names: str) -> Path:
    path = folder / "data.npz"
    arrays = {
        names.format(kind=kind, split=split): array
        for split, (images, labels) in splits.items()
        for kind, array in zip(("images", "labels") if "images" in names or "{split}_" in names else ("x", "y"),
                               (images, labels), strict=True)
    }  # fmt: skip
    np.savez_compressed(path, allow_pickle=True, **arrays)
    return path


def write_cifar(
    folder: Path,
    splits: dict[str, tuple[NDArray[Any], NDArray[Any]]],
    *,
    binary: bool,
    names: tuple[str, ...] = ("plane", "car", "bird"),
) -> Path:
    for split, (images, labels) in splits.items():
        name = {"train": "data_batch_1", "test": "test_batch"}[split]
        rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        if binary:
            (folder / f"{name}.bin").write_bytes(np.concatenate([labels[:, None].astype(np.uint8), rows], 1).tobytes())
            (folder / "batches.meta.txt").write_text("\n".join((*names, "")))
        else:
            batch = {
                b"data": rows,
                b"labels": labels.tolist(),
                b"batch_label": b"one of five",
                b"filenames": [b"a.png"],
            }
            as_numpy_1 = pickle.dumps(batch, protocol=2).replace(b"numpy._core", b"numpy.core")
            (folder / name).write_bytes(as_numpy_1)
            (folder / "batches.meta").write_bytes(
                pickle.dumps({b"label_names": [name.encode() for name in names]}, protocol=2)
            )
    return folder


def write_svhn(folder: Path, splits: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> Path:
    from scipy.io import savemat  # noqa: PLC0415 - of the extra `harness`

    for split, (images, labels) in splits.items():
        content = {"X": np.moveaxis(images, 0, 3), "y": np.where(labels == 0, 10, labels)[:, None]}
        savemat(folder / f"{split}_32x32.mat", content, do_compression=True)
    return folder


FORMATS: dict[str, tuple[tuple[int, ...], Writer, str]] = {
    "IDX": ((9, 7), write_idx, "012"),
    "IDX, gzipped": ((9, 7), lambda folder, splits: write_idx(folder, splits, packed=True), "012"),
    "MedMNIST": ((8, 8, 3), lambda folder, splits: write_npz(folder, splits, "{split}_{kind}"), "012"),
    "Keras": ((8, 8), lambda folder, splits: write_npz(folder, splits, "{kind}_{split}"), "012"),
    "CIFAR, pickled": ((32, 32, 3), lambda folder, splits: write_cifar(folder, splits, binary=False), "names"),
    "CIFAR, binary": ((32, 32, 3), lambda folder, splits: write_cifar(folder, splits, binary=True), "names"),
    "SVHN": ((32, 32, 3), write_svhn, "012"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_pixels_the_labels_and_the_splits_are_what_was_written(tmp_path: Path, name: str) -> None:
    shape, write, names = FORMATS[name]
    splits = make(shape)

    source = open_source(str(write(tmp_path, splits)))

    assert source.classes == (("plane", "car", "bird") if names == "names" else tuple(names))
    for split, (images, labels) in splits.items():
        places = np.flatnonzero(source.given == SPLITS.index(split))
        assert len(places) == len(images)
        assert source.labels[places].tolist() == labels.tolist()
        for place, image in zip(places, images, strict=True):
            np.testing.assert_array_equal(source.read(int(place)), image)
    assert source.where(3).endswith("[3]")


@pytest.mark.parametrize(
    ("images", "labels", "first"),
    [
        (np.full((4, 5, 5), 0.5, np.float32), np.array([0, 1, 0, 1]), 128),
        (np.full((4, 5, 5), 4095, np.uint16), np.array([0.0, 1.0, 0.0, 1.0]), 255),
        (np.full((4, 5, 5, 1), 7, np.int64), np.array(["cat", "dog", "cat", "dog"]), 7),
        (np.full((4, 3, 5, 5), 9, np.uint8), np.eye(2)[[0, 1, 0, 1]], 9),
        (np.full((4, 5, 5), 1, np.bool_), np.array([[3], [4], [3], [4]]), 255),
    ],
    ids=["fractions", "12 bits, labels as floats", "words", "channels first, one-hot", "black and white"],
)
def test_other_numbers_become_bytes(tmp_path: Path, images: NDArray[Any], labels: NDArray[Any], first: int) -> None:
    np.savez(tmp_path / "a.npz", X=images, y=labels)

    source = open_source(str(tmp_path / "a.npz"))

    assert source.labels.tolist() == [0, 1, 0, 1]
    pixels = np.asarray(source.read(0))
    assert pixels.dtype == np.uint8
    assert pixels.flat[0] == first


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, ("1 + 1",)


def npz(**arrays: Any) -> Callable[[Path], None]:
    return lambda folder: np.savez(folder / "a.npz", **arrays)


def files(**contents: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name, content in contents.items():
            (folder / name.replace("__", "-").replace("_dot_", ".")).write_bytes(content)

    return write


IDX = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 3) + bytes(18)
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "names unknown": (npz(foo=np.zeros(3)), "'a.npz' has the arrays foo: name them x_train and y_train"),
    "labels missing": (npz(x=np.zeros((3, 4, 4))), "'a.npz' has the arrays x: name them"),
    "objects": (
        npz(x=np.array([{}, {}]), y=np.arange(2)),
        "'a.npz' cannot be read (Array can't be memory-mapped: Python objects in dtype): write",
    ),
    "no archive": (files(a_dot_npz=b"PK\3\4 and no more"), "'a.npz' cannot be read"),
    "fewer labels": (npz(x=np.zeros((3, 4, 4), "u1"), y=np.arange(2)), "'a.npz' has 3 images and 2 labels"),
    "no images": (npz(x=np.zeros((3, 4), "u1"), y=np.arange(3)), "'a.npz' has images of the shape (3, 4)"),
    "two channels": (
        npz(x=np.zeros((3, 4, 4, 2), "u1"), y=np.arange(3)),
        "'a.npz' has images of the shape (3, 4, 4, 2)",
    ),
    "negative": (npz(x=np.full((3, 4, 4), -1.0), y=np.arange(3)), "'a.npz' has values from -1 to -1"),
    "no number": (npz(x=np.full((3, 4, 4), np.nan), y=np.arange(3)), "'a.npz' has values from nan to nan"),
    "several classes": (
        npz(x=np.zeros((2, 4, 4), "u1"), y=np.ones((2, 3))),
        "'a.npz' has labels of 3 columns and not a single 1",
    ),
    "a name with an escape": (
        npz(x=np.zeros((2, 4, 4), "u1"), y=np.array(["a", "b\x1b[2J"])),
        r"Class 'b\x1b[2J' is no name to be shown",
    ),
    "fractions as labels": (
        npz(x=np.zeros((2, 4, 4), "u1"), y=np.array([0.5, 1])),
        "'a.npz' has labels that are neither whole numbers",
    ),
    "IDX without labels": (files(train__images__idx3__ubyte=IDX), "'train-images-idx3-ubyte' has no labels"),
    "IDX cut off": (
        files(train__images__idx3__ubyte=IDX[:20], train__labels__idx1__ubyte=IDX),
        "'train-images-idx3-ubyte' cannot be read as IDX",
    ),
    "IDX of another kind": (
        files(train__images__idx3__ubyte=b"\x89PNG" + bytes(40), train__labels__idx1__ubyte=IDX),
        "'train-images-idx3-ubyte' cannot be read as IDX",
    ),
    "IDX gzipped and cut off": (
        files(train__images__idx3__ubyte_dot_gz=gzip.compress(IDX)[:20], train__labels__idx1__ubyte=IDX),
        "'train-images-idx3-ubyte.gz' cannot be read as IDX",
    ),
    "a pickle that runs a program": (
        files(data_batch_1=pickle.dumps(Evil())),
        "'data_batch_1' cannot be read as a batch of CIFAR (it names builtins.eval",
    ),
    "a pickle of something else": (files(data_batch_1=pickle.dumps([1])), "'data_batch_1' is no batch of CIFAR"),
    "a broken pickle": (files(data_batch_1=b"\x80\x04"), "'data_batch_1' cannot be read as a batch of CIFAR"),
    "a binary batch cut off": (files(data_batch_1_dot_bin=bytes(5000)), "'data_batch_1.bin' is cut off"),
    "no .mat": (
        files(train_32x32_dot_mat=b"MATLAB 5.0" + bytes(200)),
        "'train_32x32.mat' cannot be read as a .mat file",
    ),
}


def look(folder: Path) -> None:
    """At everything, as preparing does."""
    source = open_source(str(folder))
    assert len(source.given) == len(source.labels)
    source.read(0)


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_one_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    write, sentence = BAD[name]
    write(tmp_path)

    with pytest.raises(UnusableDatasetError) as caught:
        look(tmp_path)

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"")

    with pytest.raises(
        UnusableDatasetError, match=r"^'a.docx' is no dataset: give a folder .* ends in .npz, .mat, .parquet, .csv"
    ):
        open_source(str(tmp_path / "a.docx"))


def test_letters_of_emnist_stand_upright_and_have_their_names(tmp_path: Path) -> None:
    images, labels = make((6, 6))["train"]
    write_idx(tmp_path, {"train": (images, labels)})
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / f"emnist-letters-{path.name}")
    (tmp_path / "emnist-letters-mapping.txt").write_text("0 65 97\n1 66 98\n2 67\n")

    source = open_source(str(tmp_path))

    assert source.classes == ("A/a", "B/b", "C")
    np.testing.assert_array_equal(source.read(4), images[4].T)
