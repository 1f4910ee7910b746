"""Preparing a million small image files: within a gigabyte of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.figures import MB, Figure
from tests.bench.preparing import prepare
from tests.bench.samples import write_small_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

PEAK = 1000
"""Target: MB."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    write_small_files(folder / "images", sizes.million)
    ran = prepare(folder / "images", folder / "prepared")
    yield Figure(name=f"{sizes.million:,} images: peak memory", values=(ran.peak / MB,), unit="MB", at_most=PEAK)
    yield Figure(name=f"{sizes.million:,} images: time", values=(ran.seconds,), unit="s")
