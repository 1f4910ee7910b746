"""What charts are drawn with: SVG inside the page, coloured by its style sheet, with a title and a description.

Each chart is drawn twice, for a wide and for a narrow screen, so that its letters stay as large as those around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WIDE, NARROW = 880, 340
"""Pixels: of the page's column, and of a phone's."""
TICKS = 5
"""About, from top to bottom."""


@dataclass(frozen=True)
class Scale:
    """From a value to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int, *, whole: bool = False) -> list[float]:
        """About so many round values."""
        step = nice_step((self.high - self.low) / count)
        step = max(1.0, round(step)) if whole else step
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def percents(self, value: float) -> str:
        """A share, with as many digits as tell its neighbours apart."""
        step = nice_step((self.high - self.low) / TICKS)
        return f"{100 * value:.{max(0, -math.floor(math.log10(100 * step)))}f} %"


def nice_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, at least this much."""
    power = 10 ** math.floor(math.log10(least))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9)))


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A frame with two axes."""

    x: Scale
    y: Scale
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int, x: tuple[float, float], y: tuple[float, float]) -> Plot:
        """A frame of this size around these values."""
        across = Scale(*_apart(x), 52, width - 12)
        return cls(x=across, y=Scale(*_apart(y), height - 28, 12), width=width, height=height)

    def axes(
        self, ticks: Iterable[float], x_text: Callable[[float], str], y_text: Callable[[float], str], across: str
    ) -> list[Markup]:
        """Grid and labels; `across`: what runs from left to right."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        drawn = [line(left, self.y(value), right, self.y(value), "grid") for value in self.y.ticks(TICKS)]
        drawn += [text(left - 8, self.y(value) + 4, y_text(value), "tick end") for value in self.y.ticks(TICKS)]
        shown = [value for value in ticks if self.x(value) < right - 7 * len(across) - 8]
        drawn += [text(self.x(value), bottom + 18, x_text(value), "tick middle") for value in shown]
        drawn.append(line(left, bottom, right, bottom, "axis"))
        drawn.append(text(right, bottom + 18, across, "tick end"))
        return [*drawn, line(left, top, left, top, "axis")]

    def path(self, points: Sequence[tuple[float, float]], css: str, more: Markup = Markup()) -> Markup:  # noqa: B008 - immutable
        """A line through these values; what lies outside of the frame is drawn at its edge."""
        low, high = sorted((self.y.start, self.y.end))
        steps = "L".join(f"{self.x(x):.1f} {min(max(self.y(y), low), high):.1f}" for x, y in points)
        return Markup('<path class="{}" d="M{}"{}/>').format(css, steps, more)


def figure(
    name: str,
    title: str,
    description: str,
    draw: Callable[[int], tuple[int, Sequence[Markup]]],
    widths: tuple[int, int] = (WIDE, NARROW),
) -> Markup:
    """A chart for both widths. `draw`: from a width, the height and what is in it."""
    drawn = Markup()
    for css, width in zip(("wide", "narrow"), widths, strict=True):
        height, parts = draw(width)
        drawn += Markup(
            '<svg class="chart {css}" viewBox="0 0 {width} {height}" role="img" '
            'aria-labelledby="{key}-title {key}-text"><title id="{key}-title">{title}</title>'
            '<desc id="{key}-text">{description}</desc>{inside}</svg>'
        ).format(
            css=css,
            width=width,
            height=height,
            key=f"{name}-{css}",
            title=title,
            description=description,
            inside=Markup().join(parts),
        )
    return drawn


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(css, x1, y1, x2, y2)


def text(x: float, y: float, words: str, css: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(css, x, y, words)


def circle(x: float, y: float, radius: float, css: str) -> Markup:
    return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(css, x, y, radius)


def cross(x: float, y: float, half: float, css: str) -> Markup:
    strokes = f"M{x - half:.1f} {y - half:.1f}l{2 * half} {2 * half}m0 {-2 * half}l{-2 * half} {2 * half}"
    return Markup('<path class="{}" d="{}"/>').format(css, strokes)


def grouped(title: str, *parts: Markup) -> Markup:
    """Parts that tell what they are when they are pointed at."""
    return Markup("<g><title>{}</title>{}</g>").format(title, Markup().join(parts))


def _apart(ends: tuple[float, float]) -> tuple[float, float]:
    """Two ends of an axis that are not the same."""
    low, high = ends
    return (low, high) if high - low > 1e-9 else (low - 0.5, low + 0.5)
