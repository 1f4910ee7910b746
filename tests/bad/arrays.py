"""Files of arrays that are broken, or whose arrays are no images and labels, or that run a program when unpickled."""

from __future__ import annotations

import gzip
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], str]

COUNT = 24
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 5, 6), dtype=np.uint8)
LABELS = np.arange(COUNT) % 2


def npz(**arrays: Any) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        root.mkdir()
        np.savez(root / "a.npz", **arrays)
        return root / "a.npz"

    return make


def cut_npz(root: Path) -> Path:
    path = npz(X=IMAGES, y=LABELS)(root)
    path.write_bytes(path.read_bytes()[:500])
    return path


def npz_where(first: Any, dtype: str) -> Callable[[Path], Path]:
    """One pixel has this value."""
    images = IMAGES.astype(dtype)
    images[7, 0, 0] = first
    return npz(X=images, y=LABELS)


def files(**contents: bytes) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        root.mkdir()
        for name, content in contents.items():
            (root / name.replace("__", "-").replace("_dot_", ".")).write_bytes(content)
        return root

    return make


def idx(array: Any, magic: bytes = b"\0\0\x08") -> bytes:
    head = magic + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + bytes(array.astype("u1").tobytes())


def mat(**arrays: Any) -> Callable[[Path], Path]:
    from scipy.io import savemat  # noqa: PLC0415 - of the extra `harness`

    def make(root: Path) -> Path:
        root.mkdir()
        savemat(root / "train_32x32.mat", arrays)
        return root / "train_32x32.mat"

    return make


def cut_mat(root: Path) -> Path:
    path = mat(X=np.zeros((32, 32, 3, COUNT), "u1"), y=np.ones((COUNT, 1)))(root)
    path.write_bytes(path.read_bytes()[:5000])
    return path


class Evil:
    """What a pickle is made to do when it is read."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (f"open({str(self.canary)!r}, 'w').close()",)


def evil_pickle(root: Path) -> Path:
    root.mkdir()
    (root / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil(root / "canary"), b"labels": [0]}))
    return root


def evil_npz(root: Path) -> Path:
    root.mkdir()
    np.savez(root / "a.npz", X=np.array([Evil(root / "canary")] * 2, dtype=object), y=np.arange(2))
    return root / "a.npz"


HDF5 = (
    b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\x02IM" + bytes(384) + b"\x89HDF\r\n\x1a\n" + bytes(99)
)
NPZ = r"'a\.npz' "
PIXELS = NPZ + r"has values from {low} to {high}: pixels reach from 0 to 1, 255 or 65535\."
IDX = r"'train-images-idx3-ubyte{gz}' cannot be read as IDX \({why}\): get it again\."
LABELLED = {"train__labels__idx1__ubyte": idx(LABELS)}
CASES: dict[str, Case] = {
    "npz: objects": (
        npz(X=IMAGES, y=np.array([1, "1", 1.0, "cat"] * 6, dtype=object)),
        NPZ + r"cannot be read \(.*objects.*\): write it with np\.savez, as arrays of plain numbers or words\.",
    ),
    "npz: objects that run a program": (evil_npz, NPZ + r"cannot be read \(.*objects.*\): write it .*\."),
    "npz: no labels": (npz(X=IMAGES), NPZ + r"has the arrays X: name them x_train and y_train .*\."),
    "npz: names unknown": (npz(a=IMAGES, b=LABELS), NPZ + r"has the arrays a, b: name them x_train and y_train .*\."),
    "npz: five channels": (
        npz(X=np.zeros((COUNT, 6, 6, 5), "u1"), y=LABELS),
        NPZ + r"has images of the shape \(24, 6, 6, 5\): give \(images, height, width\), or with 1, 3 or 4 .*\.",
    ),
    "npz: no images": (npz(X=np.zeros((0, 6, 6), "u1"), y=LABELS[:0]), NPZ + r"has images of the shape \(0, 6, 6\).*"),
    "npz: fewer labels": (npz(X=IMAGES, y=LABELS[1:]), NPZ + r"has 24 images and 23 labels: give one for each\."),
    "npz: enormous values": (npz_where(10**9, "i8"), PIXELS.format(low=0, high=r"1e\+09")),
    "npz: negative values": (npz_where(-1, "i2"), PIXELS.format(low=-1, high=255)),
    "npz: a pixel that is no number": (npz_where(np.nan, "f4"), PIXELS.format(low="nan", high="nan")),
    "npz: a pixel without end": (npz_where(np.inf, "f4"), PIXELS.format(low=0, high="inf")),
    "npz: a label that is no number": (
        npz(X=IMAGES, y=[np.nan, *LABELS[1:]]),
        NPZ + r".* neither whole .* nor words.*",
    ),
    "npz: a label without end": (npz(X=IMAGES, y=[np.inf, *LABELS[1:]]), NPZ + r".* neither whole .* nor words.*"),
    "npz: fractions as labels": (npz(X=IMAGES, y=LABELS / 2), NPZ + r".* neither whole numbers nor words.*"),
    "npz: two classes for an image": (
        npz(X=IMAGES, y=np.eye(2)[LABELS] + np.eye(COUNT)[:, :2]),
        NPZ + r"has labels of 2 columns and not a single 1 in each row, .*: give one class for each image\.",
    ),
    "npz: cut off": (
        cut_npz,
        NPZ + r"cannot be read \(File is not a zip file\): write it .*\.",
    ),
    ".mat: version 7.3": (
        files(train_32x32_dot_mat=HDF5),
        r"'train_32x32\.mat' is of MATLAB 7\.3: save it again with the option -v7\.",
    ),
    ".mat: cut off": (cut_mat, r"'train_32x32\.mat' cannot be read as a \.mat file .*: get it again\."),
    ".mat: no such arrays": (mat(Z=LABELS), r"'train_32x32\.mat' cannot be read as a \.mat file .*: get it again\."),
    ".mat: no images": (mat(X=LABELS, y=LABELS), r"'train_32x32\.mat' holds no images: .*"),
    "IDX: of another kind": (
        files(train__images__idx3__ubyte=idx(IMAGES, b"PNG"), **LABELLED),
        IDX.format(gz="", why=".*"),
    ),
    "IDX: cut off": (
        files(train__images__idx3__ubyte=idx(IMAGES)[:99], **LABELLED),
        IDX.format(gz="", why="it ends .*"),
    ),
    "IDX: no gzip": (
        files(train__images__idx3__ubyte_dot_gz=idx(IMAGES), **LABELLED),
        IDX.format(gz=r"\.gz", why="Not a gzipped file.*"),
    ),
    "IDX: gzip cut off": (
        files(train__images__idx3__ubyte_dot_gz=gzip.compress(idx(IMAGES))[:99], **LABELLED),
        IDX.format(gz=r"\.gz", why="Compressed file ended .*"),
    ),
    "IDX: more labels": (
        files(train__images__idx3__ubyte=idx(IMAGES), train__labels__idx1__ubyte=idx(np.zeros(30))),
        r"'train-images-idx3-ubyte' has 24 images and 30 labels: give one for each\.",
    ),
    "IDX: no labels": (
        files(train__images__idx3__ubyte=idx(IMAGES)),
        r"'train-images-idx3-ubyte' has no labels: put 'train-labels-idx1-ubyte' beside it\.",
    ),
    "CIFAR: a pickle that runs a program": (
        evil_pickle,
        r"'data_batch_1' cannot be read as a batch of CIFAR \(it names builtins\.exec, which no array needs\): .*\.",
    ),
    "CIFAR: a pickle of something else": (
        files(data_batch_1=pickle.dumps([1])),
        r"'data_batch_1' is no batch of CIFAR: it needs data \(N x 3072\) and labels\.",
    ),
    "CIFAR: a binary batch cut off": (files(data_batch_1_dot_bin=bytes(5000)), r"'data_batch_1\.bin' is cut off, .*"),
}
