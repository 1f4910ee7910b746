"""Numbers in words, as the page writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

FINE = 5000
"""From so many images on, a hundredth of a point is one image or less than half of one."""


def percent(share: float, images: int = 0) -> str:
    """`97.2 %`; where there are images enough to tell, `97.24 %`."""
    return f"{100 * share:.{2 if images >= FINE else 1}f} %"


def points(difference: float, images: int = 0) -> str:
    """`+1.4`, of a difference in points; a minus is as wide as a plus."""
    return f"{difference:+.{2 if images >= FINE else 1}f}".replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """`48 s`, `12 min`, `3 h 20 min`."""
    if not isfinite(seconds):
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def money(usd: float | None) -> str:
    """`$1.20`, `$0.0031`."""
    if usd is None:
        return "unknown"
    return f"${usd:.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.4f}"


def count(number: float) -> str:
    """`1,797`, `2.4 million`."""
    return f"{number / 1e6:.1f} million" if number >= 1e6 else f"{number:,.0f}"


def moment(time: float) -> str:
    """A point in time, as this machine's clock had it, in UTC."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def several(number: int, what: str, more: str = "") -> str:
    """`1 change`, `2 changes`. `more`: of what is written otherwise."""
    return f"{number:,} {what if number == 1 else more or f'{what}s'}"


def sentence(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]
