"""`python -m harness.prepare.unlabelled`: new images, without labels, stored as a trained pipeline knows them.

The files of --source, in the order of their names, become one folder of images; those that cannot be read are left out
and named, with the reason, in unreadable.json.
"""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from harness.images import ARRAY, MODES, planes
from harness.prepare.parallel import explain, in_order
from harness.prepare.pixels import Plan, Stored, read_header, store
from harness.prepare.writing import write_images

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def encode(content: bytes, shape: Shape) -> Stored:
    """Make one image file what is stored: pixels where the size is fixed, else an image file."""
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


def prepare_unlabelled(files: Sequence[Path], out: Path, shape: Shape) -> dict[str, str]:
    """Store the files that can be read; return name -> reason of the others."""
    unreadable: dict[str, str] = {}

    def attempt(path: Path) -> Stored | None:
        try:
            return encode(path.read_bytes(), shape)
        except Exception as error:  # noqa: BLE001 - Pillow's readers raise whatever a broken file makes them meet
            unreadable[path.name] = explain(error)
            return None

    results = [stored for stored in in_order(attempt, files) if stored is not None]
    array = None if shape.size is None else (len(results), shape.channels, *shape.size)
    write_images(out, array, (stored.content for stored in results))
    return unreadable


def main() -> None:
    """Prepare the images of a folder."""
    parser = argparse.ArgumentParser(prog="python -m harness.prepare.unlabelled", description=__doc__)
    parser.add_argument("--source", type=Path, default=Path("/job/input"))
    parser.add_argument("--out", type=Path, default=Path("/job/dataset"), help=f"empty; {ARRAY} or encoded files")
    parser.add_argument("--report-dir", type=Path, default=Path("/job/out"))
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--size", required=True, help="HEIGHTxWIDTH of every image, or `any`")
    parser.add_argument("--max-side", type=int, required=True)
    parser.add_argument("--ceiling", type=float, required=True)
    given = parser.parse_args()
    Image.MAX_IMAGE_PIXELS = None  # read_header refuses such images itself
    height, _, width = given.size.partition("x")
    size = None if given.size == "any" else (int(height), int(width))
    files = sorted(path for path in given.source.iterdir() if path.name != "go")
    unreadable = prepare_unlabelled(files, given.out, Shape(given.channels, size, given.max_side, given.ceiling))
    (given.report_dir / "unreadable.json").write_text(json.dumps(unreadable), encoding="utf-8")


if __name__ == "__main__":
    main()
