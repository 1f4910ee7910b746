"""Files that are no images, or not ones to be had in memory, in a folder of good ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

from PIL import Image

from tests.bad.pictures import pets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], str]

BROKEN = r"1 image cannot be read: 'cat/{name}' \({why}\); replace or remove what is broken\."


def beside_good(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (pets(root) / "cat" / name).write_bytes(content())
        return root

    return make


def broken(name: str, content: Callable[[], bytes], why: str) -> Case:
    return beside_good(name, content), BROKEN.format(name=name.replace(".", r"\."), why=why)


def encoded(form: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(file, form)
    return file.getvalue()


def black_png(width: int, height: int) -> bytes:
    """A whole file of one bit a pixel, a thousandth of what it unpacks to."""
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (header, data, b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
CASES: dict[str, Case] = {
    "a JPEG cut off": broken("bad.jpg", lambda: encoded("JPEG")[:-400], "image file is truncated.*"),
    "a PNG cut off": broken("bad.png", lambda: encoded("PNG")[:200], ".*truncated.*"),
    "a PNG with a spoilt byte": broken(
        "bad.png", lambda: encoded("PNG")[:90] + b"\0\0\0" + encoded("PNG")[93:], "broken.*|.*truncated.*"
    ),
    "a decompression bomb": broken("bad.png", lambda: black_png(70_000, 70_000), "70000 x 70000 pixels.*"),
    "an image 70,000 pixels wide": broken("bad.png", lambda: black_png(70_000, 3_000), "70000 x 3000 pixels.*"),
    "an empty file": broken("bad.png", lambda: b"", "the file is empty"),
    "a text called .jpg": broken("bad.jpg", lambda: b"to be done\n", "no image inside"),
    "a web page called .png": broken("bad.png", lambda: HTML, "a web page and no image"),
    "a HEIC photo called .jpg": broken(
        "bad.jpg", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC inside, .*"
    ),
    "a video called .gif": broken(
        "bad.gif", lambda: b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(99), "video inside, .*"
    ),
    "an SVG called .png": broken(
        "bad.png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing and no image"
    ),
}
