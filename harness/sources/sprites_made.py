"""dSprites, made: the published file's factors, drawn here with Pillow, for a seeded sample of their combinations.

The pixels are not those of the published images: sizes and edges differ a little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from harness.sources.dsprites import FINE, FULL, ORIENTATIONS, SIDE, divide, orientation_classes
from harness.sources.source import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NAME = "dsprites-orientation-made"
OF_EACH = 1000
"""Images of each orientation, of the 18,432 that there are."""
SCALES = np.linspace(0.5, 1, 6)
PLACES = range(-16, 16)
"""Of the centre, in pixels from the middle: the largest shape stays inside, however it is turned."""
RADIUS = 15
"""Pixels from the centre to the farthest point, at scale 1."""
FINER = 4
"""Drawn at so many times the size; a pixel is white if half of it is covered."""
MADE = (
    f"{FINE} Made by AutoModel from the generating factors, {ORIENTATIONS * OF_EACH:,} of the 737,280 combinations: "
    f"not the published file, whose pixels differ a little.{FULL}"
)


def _outlines() -> tuple[NDArray[np.float64], ...]:
    """Square, ellipse and heart, (points, 2), within a circle of radius 1."""
    turn = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    heart = np.stack(
        [16 * np.sin(turn) ** 3, 5 * np.cos(2 * turn) + 2 * np.cos(3 * turn) + np.cos(4 * turn) - 13 * np.cos(turn)], 1
    )
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    ellipse = np.stack([np.cos(turn), 0.5 * np.sin(turn)], 1)
    return tuple(points / np.hypot(*points.T).max() for points in (square, ellipse, heart))


OUTLINES = _outlines()
COMBINATIONS = (len(OUTLINES), len(SCALES), len(PLACES), len(PLACES))


@dataclass(frozen=True)
class MadeSprites:
    """The dataset `dsprites-orientation-made`. Implements `source.Source`."""

    seed: int
    licence: str = ""
    groups: None = None
    unlabelled: None = None
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)

    @property
    def description(self) -> str:
        return MADE.format(seed=self.seed)

    @property
    def classes(self) -> tuple[str, ...]:
        return orientation_classes(ORIENTATIONS)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(ORIENTATIONS), OF_EACH)

    @cached_property
    def given(self) -> NDArray[np.int8]:
        return divide(self.labels, np.random.default_rng(self.seed), validation=0.08, test=0.2)

    @cached_property
    def _drawn(self) -> NDArray[np.int64]:
        """(N,): which combination of the other factors each image shows."""
        rng = np.random.default_rng(self.seed)
        count = int(np.prod(COMBINATIONS))
        return np.concatenate([rng.choice(count, OF_EACH, replace=False) for _ in range(ORIENTATIONS)])

    def read(self, index: int) -> NDArray[np.uint8]:
        shape, scale, x, y = map(int, np.unravel_index(self._drawn[index], COMBINATIONS))
        sprite = draw_sprite(shape, SCALES[scale], 2 * np.pi * self.labels[index] / (ORIENTATIONS - 1))
        return np.roll(sprite, (PLACES[y], PLACES[x]), (0, 1))

    def where(self, index: int) -> str:
        return f"{NAME}[{index}]"


@cache
def draw_sprite(shape: int, scale: float, angle: float) -> NDArray[np.uint8]:
    """One image, 0 and 255; the shape is turned by `angle` about its centre, which is the middle."""
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = (OUTLINES[shape] @ turned * (RADIUS * scale) + SIDE / 2) * FINER
    canvas = Image.new("L", (SIDE * FINER, SIDE * FINER))
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points.tolist()], fill=255)
    covered = np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))
    return np.where(covered >= 128, np.uint8(255), np.uint8(0))
