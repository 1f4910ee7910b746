"""Whatever mix of modes and formats a dataset is written in, preparing gives the pixels that a person sees."""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from PIL import Image

from harness.images import open_images
from harness.prepare.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GREY = ("1", "L", "LA", "I;16", "F")
MODES = {
    "PNG": ("1", "L", "LA", "P", "P transparent", "RGB", "RGBA", "I;16", "RGB;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
    "BMP": ("1", "L", "P", "RGB"),
    "WEBP": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB"),
}
TURNED = ("PNG", "TIFF", "WEBP")
"""Formats that say how they are to be turned."""
DEPTHS = (1, 255, 1023, 4095, 16383, 65535)
COUNT = 26
"""Images of a dataset: 13 of each class."""


@dataclass(frozen=True)
class Kind:
    """How an image is written."""

    form: str
    mode: str
    orientation: int
    depth: int
    """Largest value of a deep one."""


@dataclass(frozen=True)
class Written:
    content: bytes
    seen: NDArray[Any]
    """(H, W) of a grey or deep image, or (H, W, 3): upright, and before deep values are scaled."""
    deep: bool


PAIRS = [(form, mode) for form, modes in MODES.items() for mode in modes]
EVERY = [
    Kind(form, mode, number % 8 + 1 if form in TURNED else 1, DEPTHS[number % len(DEPTHS)])
    for number, (form, mode) in enumerate(PAIRS)
]


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    form, mode = draw(st.sampled_from(PAIRS))
    orientation = draw(st.integers(1, 8)) if form in TURNED else 1
    return Kind(form, mode, orientation, draw(st.sampled_from(DEPTHS)))


def write(kind: Kind, height: int, width: int, random: np.random.Generator) -> Written:
    if kind.orientation >= 5:
        height, width = width, height

    def values(*shape: int, most: int = 255) -> NDArray[np.int64]:
        return random.integers(0, most + 1, (height, width, *shape))

    image, seen, options = _WRITERS[kind.mode](values, kind.depth)
    content = image if isinstance(image, bytes) else _file(image, kind, options)
    if isinstance(image, bytes):
        return Written(content, seen, deep=False)
    return Written(content, _upright(seen, kind.orientation), deep=kind.mode in {"I;16", "F"})


def _file(image: Image.Image, kind: Kind, options: dict[str, Any]) -> bytes:
    if kind.form in TURNED:
        exif = Image.Exif()
        exif[0x0112] = kind.orientation
        options = {**options, "exif": exif}
    file = io.BytesIO()
    image.save(file, kind.form, **options, **({"lossless": True} if kind.form == "WEBP" else {}))
    return file.getvalue()


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """As the EXIF standard's table has it."""
    turns: dict[int, NDArray[Any]] = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, -1), 7: pixels[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(pixels),
    }  # fmt: skip
    return turns[orientation]


def _on_white(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.floor((colours * alpha + 255 * (255 - alpha)) / 255 + 0.5)
    return rounded


def _bilevel(values: Any, _: int) -> Any:
    white = values(most=1) == 1
    return Image.fromarray(white), white * 255, {}


def _grey(values: Any, _: int) -> Any:
    pixels = values()
    return Image.fromarray(pixels.astype("u1")), pixels, {}


def _grey_transparent(values: Any, _: int) -> Any:
    both = values(2)
    return Image.fromarray(both.astype("u1")), _on_white(both[..., 0], both[..., 1]), {}


def _colour(values: Any, _: int) -> Any:
    pixels = values(3)
    return Image.fromarray(pixels.astype("u1")), pixels, {}


def _colour_transparent(values: Any, _: int) -> Any:
    pixels = values(4)
    return Image.fromarray(pixels.astype("u1"), "RGBA"), _on_white(pixels[..., :3], pixels[..., 3:]), {}


def _ink(values: Any, _: int) -> Any:
    """Each ink takes its share of what black leaves."""
    inks = values(4)
    image = Image.frombytes("CMYK", inks.shape[1::-1], inks.astype("u1").tobytes())
    rest = 255 - inks[..., 3:]
    return image, rest - np.floor(inks[..., :3] * rest / 255 + 0.5), {}


def _palette(values: Any, _: int, transparent: int | None = None) -> Any:
    colours = np.random.default_rng(0).integers(0, 256, (16, 3))
    numbers = values(most=15)
    image = Image.fromarray(numbers.astype("u1"))
    image.putpalette(colours.astype("u1").tobytes())
    if transparent is None:
        return image, colours[numbers], {}
    colours[transparent] = 255
    return image, colours[numbers], {"transparency": transparent}


def _deep(values: Any, depth: int) -> Any:
    pixels = values(most=depth)
    return Image.fromarray(pixels.astype("u2")), pixels, {}


def _float(values: Any, depth: int) -> Any:
    pixels = (values(most=1000) * (depth / 1000)).astype("f4")
    return Image.fromarray(pixels), pixels, {}


def _deep_colour(values: Any, _: int) -> Any:
    """Pillow reads such a PNG and does not write one."""
    pixels = values(3, most=65535)
    height, width, _channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0), b"IDAT": zlib.compress(rows), b"IEND": b"",
    }  # fmt: skip
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks), pixels >> 8, {}


_WRITERS: dict[str, Any] = {
    "1": _bilevel,
    "L": _grey,
    "LA": _grey_transparent,
    "P": _palette,
    "P transparent": lambda values, depth: _palette(values, depth, 3),
    "RGB": _colour,
    "RGBA": _colour_transparent,
    "CMYK": _ink,
    "I;16": _deep,
    "F": _float,
    "RGB;16": _deep_colour,
}


def expected(images: Sequence[Written], kinds: Sequence[Kind]) -> list[bytes]:
    """Pixels (C, H, W) of each, with one depth and one number of channels for all."""
    peak = max((float(image.seen.max()) for image in images if image.deep), default=0)
    ceiling = next(depth for depth in DEPTHS if peak <= depth)
    grey = all(kind.mode in GREY for kind in kinds)
    planes = []
    for image in images:
        seen = np.rint(image.seen.astype("f4") * np.float32(255 / ceiling)) if image.deep else image.seen
        colours = seen[np.newaxis] if seen.ndim == 2 else seen.transpose(2, 0, 1)
        planes.append(np.broadcast_to(colours, (1 if grey else 3, *colours.shape[1:])).astype("u1").tobytes())
    return planes


@settings(max_examples=50)
@example(chosen=EVERY, seed=0, one_size=True)
@example(chosen=EVERY, seed=1, one_size=False)
@given(chosen=st.lists(kinds(), min_size=3, max_size=10), seed=st.integers(0, 2**32), one_size=st.booleans())
def test_any_mix_comes_out_as_it_is_seen(chosen: list[Kind], seed: int, one_size: bool) -> None:
    random = np.random.default_rng(seed)
    used = [chosen[number % len(chosen)] for number in range(COUNT)]
    sizes = [(7, 5) if one_size else (5 + number % 3, 4 + number % 2) for number in range(COUNT)]
    images = [write(kind, *size, random) for kind, size in zip(used, sizes, strict=True)]
    wanted = Counter(zip(expected(images, used), (number % 2 for number in range(COUNT)), strict=True))

    with tempfile.TemporaryDirectory() as folder:
        found = prepared(Path(folder), [(image.content, kind.form) for image, kind in zip(images, used, strict=True)])

    assert found == wanted


def prepared(folder: Path, files: Sequence[tuple[bytes, str]]) -> Counter[tuple[bytes, int]]:
    """Each image with its label, from all splits."""
    for number, (content, form) in enumerate(files):
        place = folder / "source" / f"class-{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.{form.lower()}").write_bytes(content)
    out = folder / "out"
    assert main(["--source", str(folder / "source"), "--name", "mixed", "--out", str(out)]) == 0
    channels = json.loads((out / "dataset.json").read_bytes())["channels"]
    found: Counter[tuple[bytes, int]] = Counter()
    for split, labels in (("train", "train/labels"), ("validation", "hidden/validation"), ("test", "hidden/test")):
        images = open_images(out / split, channels)
        for index, label in enumerate(np.load(out / f"{labels}.npy").tolist()):
            found[images.image(index).tobytes(), label] += 1
    return found
