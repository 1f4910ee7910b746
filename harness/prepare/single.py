"""One new image, stored as a trained pipeline knows them."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness.images import MODES, decode, planes
from harness.prepare.pixels import Plan, Stored, read_header, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.sources.source import Content

    Size = tuple[int, int] | None


@dataclass(frozen=True)
class Shape:
    """What every image must come out as."""

    channels: int
    size: Size
    """(height, width), or None where a pipeline takes any."""
    max_side: int
    ceiling: float
    """What was white in the dataset's deep images: new ones must be scaled alike."""


def encode(content: Content, shape: Shape) -> Stored:
    """Make one image what is stored: pixels where the size is fixed, else an image file."""
    read_header(content)  # refuses what is absurdly large before it is decoded
    plan = Plan("encoded", shape.channels, shape.ceiling, shape.max_side)
    stored = store(content, plan, measure=False)
    if shape.size is None:
        return stored
    height, width = shape.size
    with Image.open(io.BytesIO(stored.content)) as image:
        uniform = image.convert(MODES[shape.channels])
    if uniform.size != (width, height):
        uniform = uniform.resize((width, height), Image.Resampling.LANCZOS)
    return replace(stored, content=planes(uniform).tobytes())


def pixels_of(content: Content, shape: Shape) -> NDArray[np.uint8]:
    """What is read back of one image once it is stored: (C, H, W)."""
    stored = encode(content, shape).content
    if shape.size is None:
        return decode(stored, shape.channels)
    return np.frombuffer(stored, np.uint8).reshape(shape.channels, *shape.size)
