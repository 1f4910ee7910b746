"""Images to measure with: as large as real ones, in pixels and in bytes, and no two alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = 10
SIDE = 32
SCENE = (3100, 4100)
"""Height and width of the pictures that photos are cut from."""
SCENES = 8
PHOTO_WIDTHS = (1700, 2300)
"""At 3:4 these are 2.2 to 4.0 million pixels."""
MIXED_WIDTHS = (640, 4000)
"""At 3:4, and every doubling as often: from pictures of 0.3 million pixels, as on web pages, to a telephone's 12."""
QUALITY = 90
PART = 10_000
"""Images that are made at once."""


def small_images(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Random pixels (N, 3, 32, 32) and labels (N,)."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8)
    return pixels, np.arange(count, dtype=np.int64) % CLASSES


def write_array(path: Path, count: int) -> NDArray[np.int64]:
    """Write random images (N, 3, 32, 32) as an .npy file, a part at a time; return labels (N,)."""
    random = np.random.default_rng(0)
    file = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 3, SIDE, SIDE))
    for start in range(0, count, PART):
        file[start : start + PART] = random.integers(0, 256, file[start : start + PART].shape, dtype=np.uint8)
    return np.arange(count, dtype=np.int64) % CLASSES


def write_small_files(folder: Path, count: int) -> None:
    """PNG files in class folders."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
    for number in range(count):
        image = Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
        image.save(folder / f"class-{number % CLASSES}" / f"{number:06}.png", compress_level=1)


def write_photos(folder: Path, count: int) -> None:
    """JPEG files of 2 to 4 million pixels in class folders."""
    _write_photos(folder, np.random.default_rng(0).integers(*PHOTO_WIDTHS, count))


def write_mixed_photos(folder: Path, count: int) -> None:
    """JPEG files of all sizes in class folders."""
    low, high = np.log(MIXED_WIDTHS)
    _write_photos(folder, np.exp(np.random.default_rng(0).uniform(low, high, count)).astype(np.int64))


def _write_photos(folder: Path, widths: NDArray[np.int64]) -> None:
    random = np.random.default_rng(1)
    scenes = [_scene(random) for _ in range(SCENES)]
    count = len(widths)
    corners = random.random((count, 2))
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)

    def write(number: int) -> None:
        scene, width = scenes[number % SCENES], int(widths[number])
        height = width * 3 // 4
        left, top = int(corners[number, 0] * (SCENE[1] - width)), int(corners[number, 1] * (SCENE[0] - height))
        photo = scene.crop((left, top, left + width, top + height))
        photo.save(folder / f"class-{number % CLASSES}" / f"{number:06}.jpg", quality=QUALITY)

    with ThreadPoolExecutor() as pool:  # Pillow encodes without the interpreter's lock
        list(pool.map(write, range(count)))


def _scene(random: np.random.Generator) -> Image.Image:
    """Clouds of every size and a little grain: about as many bytes a pixel as a camera's files."""
    height, width = SCENE
    pixels = np.zeros((height, width, 3), dtype=np.float32)
    for cell, strength in ((400, 70), (100, 30), (25, 15), (6, 8)):
        cloud = random.integers(0, 256, (height // cell + 1, width // cell + 1, 3), dtype=np.uint8)
        smooth = Image.fromarray(cloud).resize((width, height), Image.Resampling.BICUBIC)
        pixels += (np.asarray(smooth, dtype=np.float32) - 128) * (strength / 64)
    pixels += random.normal(0, 4, (height, width, 1))
    return Image.fromarray((pixels + 128).clip(0, 255).astype(np.uint8))
