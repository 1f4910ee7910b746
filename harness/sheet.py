"""Images side by side with captions, as one picture for people and language models to look at: numpy and Pillow alone.

`sheet.json`: {"channels": 1, "columns": 8, "cells": [{"index": 5, "caption": "cat"}, ...]}; a caption may have several
lines. Not covered: scripts that Pillow's own font lacks, which come out as boxes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from harness.images import open_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.images import Images
    from harness.job import Folders

CELLS = 48
"""A sheet holds no more: as many stay legible at the megapixel that language models look at."""
SIDE = 112
"""Pixels, of a cell's width and of a thumbnail's longer side: whole multiples of 8, 14, 16 and 28."""
GAP = 4
LINE = 15
FONT_SIZE = 12


@dataclass(frozen=True)
class Cell:
    """One image of a sheet."""

    index: int
    caption: str


def make_sheet(folders: Folders) -> None:
    """Draw what `input/sheet.json` asks for, of the images in `images/`, into `out/sheet.png`."""
    order = json.loads((folders.input / "sheet.json").read_bytes())
    cells = [Cell(**cell) for cell in order["cells"][:CELLS]]
    sheet = draw(open_images(folders.images, order["channels"]), cells, order["columns"])
    sheet.save(folders.out / "sheet.png")


def draw(images: Images, cells: Sequence[Cell], columns: int) -> Image.Image:
    """One RGB picture with these cells row by row; all cells have room for the longest caption."""
    height = SIDE + LINE * max(cell.caption.count("\n") + 1 for cell in cells)
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * (SIDE + GAP) + GAP, rows * (height + GAP) + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for place, cell in enumerate(cells):
        left, top = GAP + place % columns * (SIDE + GAP), GAP + place // columns * (height + GAP)
        picture = thumbnail(images.image(cell.index))
        sheet.paste(picture, (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2))
        for number, line in enumerate(lines(cell.caption, font)):
            pen.text((left, top + SIDE + LINE * number), line, fill="black", font=font)
    return sheet


def thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    """An image (C, H, W) with its longer side as long as a cell is wide; what is enlarged keeps its pixels' edges."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    scale = SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def lines(caption: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> Iterator[str]:
    """The printable part of each line, cut to a cell's width."""
    for line in caption.split("\n"):
        text = "".join(filter(str.isprintable, line))
        shown = text
        while font.getlength(shown) > SIDE:
            text = text[:-1]
            shown = f"{text}…"
        yield shown
