"""A prepared split as files again, for programs that know nothing of its form."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness.images import ENCODED, OFFSETS, open_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PNG = b"\x89PNG"
UNSAFE = re.compile(r"[^\w .+()-]")
"""What a name of a folder, or of a class in a CSV file, had better not have."""
LONGEST = 60
"""Characters of a folder's name: four bytes each still are a name that file systems take."""


def image_files(split: Path, channels: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of each image, in order: the file that is stored where files are, else a PNG."""
    contents = _stored(split) if (split / ENCODED).exists() else _encoded(split, channels)
    for number, content in enumerate(contents):
        yield f"{number:06}.{'png' if content.startswith(PNG) else 'jpg'}", content


def _stored(split: Path) -> Iterator[bytes]:
    with (split / ENCODED).open("rb") as file:
        for start, end in pairwise(np.load(split / OFFSETS, allow_pickle=False).tolist()):
            yield file.read(end - start)


def _encoded(split: Path, channels: int) -> Iterator[bytes]:
    images = open_images(split, channels)
    for index in range(len(images)):
        pixels = images.image(index)
        file = io.BytesIO()
        image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        image.save(file, "png", compress_level=1)
        yield file.getvalue()


def folder_names(classes: Sequence[str]) -> list[str]:
    """A name for the folder of each class, its own where that can be one; no two are the same."""
    names: list[str] = []
    for number, name in enumerate(classes):
        safe = UNSAFE.sub("_", name).strip(" .")[:LONGEST].rstrip(" .") or "class"
        while safe in names:
            safe = f"{safe}-{number}"
        names.append(safe)
    return names
