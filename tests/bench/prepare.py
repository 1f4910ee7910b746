"""Preparing many small image files: memory must be bounded, and must not grow with their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.figures import MB, Figure
from tests.bench.preparing import prepare
from tests.bench.samples import write_small_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

PEAK, FLAT = 600, 1.1
"""Targets: MB; times the memory for ten times the images. What grows is bookkeeping: 48 bytes an image."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    peaks = []
    for count in sizes.files:
        source = folder / f"images-{count}"
        write_small_files(source, count)
        ran = prepare(source, folder / f"prepared-{count}")
        peaks.append(ran.peak / MB)
        yield Figure(name=f"{count:,} images: peak memory", values=(peaks[-1],), unit="MB", at_most=PEAK)
        yield Figure(name=f"{count:,} images: time", values=(ran.seconds,), unit="s")
    few, many = peaks
    yield Figure(name="peak memory, many to few", values=(many / few,), unit="x", at_most=FLAT)
