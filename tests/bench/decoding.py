"""Preparing photos of mixed sizes, against nothing but decoding the same files on as many threads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.bench import programs
from tests.bench.figures import Figure, ratios
from tests.bench.preparing import prepare
from tests.bench.samples import write_mixed_photos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

SHARE = 0.8
"""Target: of the speed of decoding."""
DECODE = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
from harness.prepare.parallel import MOST_THREADS

def decode(path):
    with Image.open(path) as image:
        image.load()

with ThreadPoolExecutor(min(MOST_THREADS, len(os.sched_getaffinity(0)))) as pool:
    for _ in pool.map(decode, sorted(Path(sys.argv[1]).rglob("*.jpg"))):
        pass
"""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    photos = folder / "photos"
    write_mixed_photos(photos, sizes.mixed_photos)
    decoding, preparing = [], []
    for number in range(sizes.rounds):
        decoding.append(programs.run([sys.executable, "-c", DECODE, photos]).seconds)
        preparing.append(prepare(photos, folder / f"prepared-{number}").seconds)
    yield Figure(name="decoding", values=_rates(sizes, decoding), unit="images/s")
    yield Figure(name="preparing", values=_rates(sizes, preparing), unit="images/s")
    share = ratios(decoding, preparing)
    yield Figure(name="preparing to decoding", values=share, unit="x", at_least=SHARE)


def _rates(sizes: Sizes, seconds: list[float]) -> tuple[float, ...]:
    return tuple(sizes.mixed_photos / each for each in seconds)
