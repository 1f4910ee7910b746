"""Classify images with the model that lies in this folder: `python predict.py photo.jpg folder/ --top 3`.

Needs torch, torchvision and timm, and nothing of the project that trained it. From Python:

    from predict import load
    predictor = load("where/this/folder/is")
    predictor(["photo.jpg", "other.png"])     # [("cat", 0.98), ("dog", 0.74)]

It runs the code in components/: see README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

FOLDER = Path(__file__).resolve().parent
if str(FOLDER) not in sys.path:
    sys.path.insert(0, str(FOLDER))  # `python -I` and `-P` leave it out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.export.predictor import Predictor, Preparation

AT_ONCE = 64
"""Images between two lines of output."""


def load(folder: str | Path = FOLDER, device: str = "cpu") -> Predictor:
    """The model of a folder; `device`: `cpu` or `cuda`."""
    from harness.export.predictor import Predictor

    return Predictor(Path(folder), device)


def load_preparation(folder: str | Path = FOLDER) -> Preparation:
    """What comes before the network alone: `inputs(pictures)` is what model.onnx takes."""
    from harness.export.predictor import Preparation

    return Preparation(Path(folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all were classified, 1 some could not be read."""
    parser = argparse.ArgumentParser(prog="predict.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="an image, or a folder of images")
    parser.add_argument("--top", type=int, default=1, metavar="N", help="classes to tell of each image (default: 1)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    given = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # names of files may be any bytes
    try:
        predictor = load(device=given.device)
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed here: pip install torch torchvision timm")
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # what is absurdly large is refused by ourselves, as in the run
    files, skipped = list(_files(given.paths)), 0
    for start in range(0, len(files), AT_ONCE):
        part = files[start : start + AT_ONCE]
        for file, told in zip(part, _classify(predictor, part, max(1, given.top)), strict=True):
            skipped += isinstance(told, str)
            _tell(file, told, as_json=given.json)
    if skipped:
        print(f"{skipped} of {len(files)} could not be read.", file=sys.stderr)
    return int(bool(skipped))


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """What is named, whatever it is called, and in a folder what is called as an image is."""
    from harness.names import EXTENSIONS

    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*"))
            yield from (file for file in inside if file.suffix.lower() in EXTENSIONS and file.is_file())
        else:
            yield path


def _classify(predictor: Predictor, files: Sequence[Path], top: int) -> Iterator[list[tuple[str, float]] | str]:
    """The most likely classes of each, or why there are none."""
    read = [_read(predictor.preparation, file) for file in files]
    pixels = [each for each in read if not isinstance(each, str)]
    rankings = iter(predictor.rank(predictor.logits_of(pixels), top) if pixels else ())
    return (each if isinstance(each, str) else next(rankings) for each in read)


def _read(preparation: Preparation, file: Path) -> NDArray[np.uint8] | str:
    try:
        return preparation.read(file)
    except ValueError as error:
        return str(error)


def _tell(file: Path, told: list[tuple[str, float]] | str, *, as_json: bool) -> None:
    if isinstance(told, str):
        print(f"{file}  skipped: {told}", file=sys.stderr)
    elif as_json:
        top = [{"label": label, "probability": round(share, 6)} for label, share in told]
        print(json.dumps({"file": str(file), **top[0], "top": top}))
    else:
        print("  ".join([str(file), *(f"{label}  {share:.4f}" for label, share in told)]))


if __name__ == "__main__":
    sys.exit(main())
