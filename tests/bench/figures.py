"""A measured figure, its target, and how both are printed."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGITS = {"s": 2, "x": 2, "MB": 1, "images/s": 0, "%": 1, "points": 2}
"""Unit -> digits after the point."""
MB = 1e6


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The median of what was measured."""

    name: str
    values: tuple[float, ...]
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        """Give the line of a table: name, median, smallest to largest, target and whether it is met."""
        spread = f"{self._number(min(self.values))} .. {self._number(max(self.values))}" if self._spreads else ""
        return f"  {self.name:<52}{self._number(self.median):>10} {self.unit:<9}{spread:<20}{self._verdict}".rstrip()

    @property
    def _spreads(self) -> bool:
        return len(self.values) > 1

    @property
    def _verdict(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}: {'met' if self.median <= self.at_most else 'MISSED'}"
        if self.at_least is not None:
            return f">= {self.at_least:g}: {'met' if self.median >= self.at_least else 'MISSED'}"
        return ""

    def _number(self, value: float) -> str:
        return f"{value:,.{DIGITS[self.unit]}f}"


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Of what was measured side by side."""
    return tuple(one / other for one, other in zip(above, below, strict=True))
