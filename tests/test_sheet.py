"""A sheet as it is drawn: where each image lies, what is left of a caption, what it takes to draw."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from harness.__main__ import main
from harness.sheet import CELLS, FONT_SIZE, GAP, LINE, SIDE, lines, thumbnail

PITCH = SIDE + GAP
RANDOM = np.random.default_rng(0)
PROGRAM = """
import sys
from harness.__main__ import main
status = main(["sheet", "--root", sys.argv[1]])
sys.exit(status or bool({"torch", "timm"} & set(sys.modules)))
"""


def write_order(root: Path, *captions: str, columns: int = 3, channels: int = 1) -> Path:
    """A job's folders, with an order for the first images in turn."""
    for name in ("input", "images", "out"):
        (root / name).mkdir(parents=True)
    cells = [{"index": index, "caption": caption} for index, caption in enumerate(captions)]
    (root / "input/sheet.json").write_text(json.dumps({"channels": channels, "columns": columns, "cells": cells}))
    (root / "input/go").touch()
    return root


def write_noise(root: Path, count: int = 5, side: int = 8, channels: int = 1) -> Any:
    images = RANDOM.integers(0, 256, (count, channels, side, side), dtype=np.uint8)
    np.save(root / "images/images.npy", images)
    return images


def draw(root: Path) -> Any:
    """The sheet as pixels (H, W, 3)."""
    assert main(["sheet", "--root", str(root)]) == 0
    with Image.open(root / "out/sheet.png") as sheet:
        assert (sheet.format, sheet.mode) == ("PNG", "RGB")
        return np.asarray(sheet)


def test_small_images_lie_row_by_row_with_every_pixel_a_square(tmp_path: Path) -> None:
    root = write_order(tmp_path, *"abcde")
    images = write_noise(root)

    sheet = draw(root)

    height = SIDE + LINE + GAP
    assert sheet.shape == (GAP + 2 * height, GAP + 3 * PITCH, 3)
    for index, (row, column) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
        top, left = GAP + row * height, GAP + column * PITCH
        expected = np.kron(images[index, 0], np.ones((SIDE // 8, SIDE // 8), np.uint8))
        np.testing.assert_array_equal(expected, sheet[top : top + SIDE, left : left + SIDE, 0])
    assert (sheet[GAP + height :, GAP + 2 * PITCH :] == 255).all()


def test_large_images_are_reduced_and_keep_their_shape(tmp_path: Path) -> None:
    root = write_order(tmp_path, "wide", "tall", channels=3, columns=2)
    files = []
    for size in ((400, 200), (150, 300)):
        file = io.BytesIO()
        Image.new("RGB", size, (10, 200, 30)).save(file, "PNG")
        files.append(file.getvalue())
    (root / "images/images.bin").write_bytes(b"".join(files))
    np.save(root / "images/offsets.npy", np.cumsum([0, *map(len, files)]))

    sheet = draw(root)

    green = (sheet == (10, 200, 30)).all(axis=2)
    wide, tall = green[:, : GAP + SIDE], green[:, GAP + PITCH :]
    assert (wide.any(axis=1).sum(), wide.any(axis=0).sum()) == (SIDE // 2, SIDE)
    assert (tall.any(axis=1).sum(), tall.any(axis=0).sum()) == (SIDE, SIDE // 2)
    assert np.flatnonzero(wide.any(axis=1))[0] == GAP + SIDE // 4


def test_an_image_thinner_than_a_pixel_is_one_pixel_wide() -> None:
    assert thumbnail(np.zeros((3, 400, 1), np.uint8)).size == (1, SIDE)


def test_a_caption_of_two_lines_makes_room_for_both_in_every_cell(tmp_path: Path) -> None:
    root = write_order(tmp_path, "true: a\nsaid 0.97: b", "c", columns=1)
    write_noise(root)

    sheet = draw(root)

    assert len(sheet) == GAP + 2 * (SIDE + 2 * LINE + GAP)
    first, second, absent = (
        sheet[GAP + top : GAP + top + LINE].min() for top in (SIDE, SIDE + LINE, 2 * SIDE + 3 * LINE + GAP)
    )
    assert max(first, second) < 128
    assert absent == 255


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("cat", ["cat"]),
        ("c\x00a\x1bt\t\u202e\ud800", ["cat"]),
        ("true: cat\nsaid: dog", ["true: cat", "said: dog"]),
        ("", [""]),
    ],
)
def test_only_what_can_be_printed_is_left_of_a_caption(caption: str, expected: list[str]) -> None:
    assert list(lines(caption, ImageFont.load_default(FONT_SIZE))) == expected


def test_a_long_caption_is_cut_to_its_cell(tmp_path: Path) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    [cut] = lines("Cassava Brown Streak Disease (CBSD)", font)
    root = write_order(tmp_path, "W" * 300, columns=1)
    write_noise(root)

    assert cut.startswith("Cassava Brown")
    assert cut.endswith("\u2026")
    assert (draw(root)[GAP + SIDE :, GAP + SIDE :] == 255).all()


def test_a_sheet_holds_48_images_and_no_more(tmp_path: Path) -> None:
    root = write_order(tmp_path, *["x"] * 60, columns=8)
    write_noise(root, count=60)

    assert CELLS == 48
    assert draw(root).shape[0] == GAP + 6 * (SIDE + LINE + GAP)


def test_noise_in_colour_at_its_largest_stays_below_two_megabytes(tmp_path: Path) -> None:
    root = write_order(tmp_path, *["true: x\nsaid 0.97: y"] * 48, columns=12, channels=3)
    write_noise(root, count=48, side=SIDE, channels=3)

    draw(root)

    assert (root / "out/sheet.png").stat().st_size < 2 << 20


def test_the_program_waits_for_go_and_never_imports_torch(tmp_path: Path) -> None:
    root = write_order(tmp_path, "a")
    write_noise(root)
    (root / "input/go").unlink()
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(root)], cwd=Path(__file__).parents[1])
    time.sleep(0.1)
    waiting = program.poll() is None
    (root / "input/go").touch()

    assert waiting
    assert program.wait(timeout=300) == 0
    assert (root / "out/sheet.png").exists()
