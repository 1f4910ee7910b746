"""One image: its header, and its pixels made plain (8 bits, grey or colour, upright, bounded).

Transparency is laid on white, a palette is looked up, CMYK becomes RGB without a colour profile. Of 16-bit colour
Pillow gives the upper 8 bits; 16-bit and float grey are scaled here, by one ceiling for the whole dataset
(`ceiling_of`). Of an animation or a multi-page file the first frame counts.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from harness.images import MODES, planes
from harness.prepare.guess import guess
from harness.prepare.lookalikes import signature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.sources.source import Content

Form: TypeAlias = Literal["array", "encoded"]

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Nothing else is tried: Pillow's rarer readers are its least tested."""
MAX_PIXELS = 200_000_000
"""Of one image; 600 MB once decoded. The largest cameras give 150 million."""
CEILINGS = (1, 255, 1023, 4095, 16383, 65535)
"""The largest values of float, 8-, 10-, 12-, 14- and 16-bit data."""
LARGE = 1 << 17
"""Bytes of a file that is worth opening twice: a system reads so many ahead at first."""
JPEG = b"\xff\xd8\xff"
"""What such a file begins with."""
JPEG_QUALITY = 95
"""With full colour resolution (4:4:4): the second compression costs less than the resize before it."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes it upright."""
_PNG_EXIF = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Asking Pillow for the EXIF of a PNG decodes it, so only those are asked that may have some."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first pass learns of an image."""

    height: int
    width: int
    """Both as seen upright."""
    grey: bool
    peak: float
    """Largest value of an image deeper than 8 bits; 0 for all others."""
    digest: int | None
    """Of the file's bytes, or of the pixels where there is no file; None where the file was not read to its end."""
    format: str
    bytes: int
    """Of the file; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How every image of a dataset is to be stored."""

    form: Form
    channels: int
    ceiling: float
    max_side: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An image as it goes to disk."""

    content: bytes
    """Pixels (C, H, W), or an image file."""
    digest: int
    """Of the pixels."""
    histogram: NDArray[np.int64] | None
    """(C, 256): how often each value occurs; None where it was not asked for."""
    signature: int
    """How it looks: `harness.prepare.lookalikes`."""
    grey: bool
    """Without any colour, though it is stored in colour."""


def read_header(content: Content) -> Header:
    """Look at an image without decoding it, unless its palette or its depth demands it."""
    with _open(content) as image:
        size = len(content) if isinstance(content, bytes) else 0
        return _header(image, content, digest(content), size)


def peek(path: str) -> Header | None:
    """Look at a large JPEG and read its beginning alone; None for any other file."""
    with open(path, "rb") as file:  # noqa: PTH123 - as in `Folders.read`
        size = os.fstat(file.fileno()).st_size
        if size < LARGE or file.read(len(JPEG)) != JPEG:
            return None
        file.seek(0)
        try:
            with Image.open(file, formats=["JPEG"]) as image:
                return _header(image, JPEG, None, size)
        except UnidentifiedImageError:
            return None


def _header(image: Image.Image, content: Content, digest: int | None, size: int) -> Header:
    if not 0 < image.width * image.height <= MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels; 1 to {MAX_PIXELS // 1_000_000} million can be used")
    height, width = image.height, image.width
    if _orientation(image, content) >= 5:
        height, width = width, height
    return Header(height, width, _is_grey(image), _peak(image), digest, image.format or "", size)


def store(content: Content, plan: Plan, *, measure: bool) -> Stored:
    """Decode an image wholly and make it what the dataset stores; `measure` asks for its histogram."""
    with _open(content) as image:
        keep = isinstance(content, bytes) and _is_plain(image, content, plan.max_side)
        lossless = not _is_lossy(image, content)
        upright = _upright(image, content, plan)
    mode = MODES[plan.channels]
    uniform = upright if upright.mode == mode else upright.convert(mode)
    pixels = np.asarray(uniform)
    if plan.form == "array":
        stored = planes(pixels).tobytes()
    else:
        stored = content if keep and isinstance(content, bytes) else _encode(upright, lossless=lossless)
    histogram = np.array(uniform.histogram()).reshape(plan.channels, 256) if measure else None
    return Stored(stored, _pixel_digest(pixels), histogram, signature(uniform, pixels), _is_colourless(pixels))


def bounded(height: int, width: int, max_side: int) -> tuple[int, int]:
    """The size an image is stored in: its own, or scaled down until no side is longer than `max_side`."""
    longest = max(height, width)
    if longest <= max_side:
        return height, width
    return max(1, round(height * max_side / longest)), max(1, round(width * max_side / longest))


def ceiling_of(peak: float) -> float:
    """The value that becomes 255 where deep images reach `peak`: full scale of the least depth that holds it.

    12-bit data in 16-bit files (microscopes, X-rays) would come out black if 65535 were white.
    """
    return next((ceiling for ceiling in CEILINGS if peak <= ceiling), peak)


def digest(content: Content) -> int:
    """64 bits: of a million different images, two share one with a probability of 3 in 100 million."""
    hashed = hashlib.blake2b(content if isinstance(content, bytes) else content.tobytes(), digest_size=8)
    if not isinstance(content, bytes):
        hashed.update(repr(content.shape).encode())
    return int.from_bytes(hashed.digest(), "little")


def _pixel_digest(pixels: NDArray[np.uint8]) -> int:
    """64 bits, as `digest`, by what processors have an instruction for: a scaled photo is 600 kB."""
    hashed = hashlib.sha256(np.ascontiguousarray(pixels).data)
    hashed.update(repr(pixels.shape).encode())
    return int.from_bytes(hashed.digest()[:8], "little")


def _is_colourless(pixels: NDArray[np.uint8]) -> bool:
    """Whether an image in colour shows greys alone; a few rows tell it of most that do not."""
    return pixels.ndim == 3 and all((part == part[..., :1]).all() for part in (pixels[::32], pixels))


def _open(content: Content) -> Image.Image:
    if isinstance(content, bytes):
        try:
            return Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError(guess(content)) from None
    return Image.fromarray(content)


def _orientation(image: Image.Image, content: Content) -> int:
    if image.format == "TIFF":  # Pillow turns these itself when it decodes
        return 1
    if image.format == "PNG" and isinstance(content, bytes) and not any(mark in content for mark in _PNG_EXIF):
        return 1
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - broken EXIF raises anything; the pixels may be sound
        return 1
    return orientation if orientation in _TURNS else 1


def _is_grey(image: Image.Image) -> bool:
    if image.mode in {"P", "PA"}:
        palette = np.array(image.getpalette() or [0, 0, 0]).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in {"1", "L", "LA", "La"} or _is_deep(image)


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith(("I", "F"))


def _peak(image: Image.Image) -> float:
    if not _is_deep(image):
        return 0.0
    values = np.asarray(image, dtype=np.float32)
    return float(values.max(initial=0, where=np.isfinite(values)))


def _is_plain(image: Image.Image, content: bytes, max_side: int) -> bool:
    """Whether the file itself is what would be stored."""
    return (
        image.format in {"JPEG", "PNG"}
        and image.mode in {"L", "RGB"}
        and max(image.size) <= max_side
        and not image.has_transparency_data
        and _orientation(image, content) == 1
    )


def _is_lossy(image: Image.Image, content: Content) -> bool:
    if image.format == "WEBP" and isinstance(content, bytes):
        return b"VP8L" not in content  # the name of its lossless chunk
    return image.format in {"JPEG", "MPO"} or image.info.get("compression") == "jpeg"


def _upright(image: Image.Image, content: Content, plan: Plan) -> Image.Image:
    orientation = _orientation(image, content)
    width, height = bounded(*image.size, plan.max_side)
    image.draft(None, (width, height))  # a JPEG decodes smaller, up to 2 x faster; the rest is resized
    plain = _plain(image, plan.ceiling)
    if plain.size != (width, height):
        # Antialiased; Pillow rates it as it does bicubic for reducing, in 6 ms where bicubic takes 11, Lanczos 17.
        plain = plain.resize((width, height), Image.Resampling.HAMMING, reducing_gap=2.0)
    return plain.transpose(_TURNS[orientation]) if orientation in _TURNS else plain


def _plain(image: Image.Image, ceiling: float) -> Image.Image:
    """8 bits, L or RGB."""
    if _is_deep(image):
        values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=ceiling)
        return Image.fromarray(np.rint(np.clip(values * (255 / ceiling), 0, 255)).astype(np.uint8))
    mode = "L" if _is_grey(image) else "RGB"
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        white.alpha_composite(seen)
        return white.convert(mode)
    image.load()
    return image if image.mode == mode else image.convert(mode)


def _encode(image: Image.Image, *, lossless: bool) -> bytes:
    file = io.BytesIO()
    if lossless:
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return file.getvalue()
