"""Is a fit hopeless? Its tuning accuracy beside that of the best run at the same number of seconds.

To stop a winner costs more than to finish a loser, so all of this must hold: three fifths of the rival's training time
and of the fit's own clock have passed; the fit was validated five times; the gap is no luck of the tuning images; the
fit has learnt less than half of what the rival had learnt; and at its pace of late it would not get there by its end.

Measured with 96 schedules of two lengths (constant, cosine, one cycle, steps, restarts, half of the time warming up,
averaged weights, MixUp; rates from far too small to far too large) on moved, noisy digits, each against each: of 4,624
fits that came out no worse than their rival 6 were stopped, all six the same one (half of its time warming up, MixUp
and averaged weights at once); of 4,496 losers a third were, which saved 15 % of the time of all losers. At half time,
after three validations, 67 of the former would have been stopped.

What is not covered: a `train` that does not validate, or whose network is meant to learn nothing for most of its time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    Curve: TypeAlias = Sequence[tuple[float, float]]
    """(seconds of `train`, best tuning accuracy until then), ascending."""

VALIDATIONS = 5
"""Fewer tell no pace: of six epochs, three go by in a warm-up."""
TIME = 0.6
"""Of the rival's training, and of the fit's own clock, so that a longer schedule is not judged by a short one."""
LEARNT = 0.5
"""Of what the rival had learnt above chance. At half time schedules have learnt 0.8 of what they will (median)."""
ERRORS = 4.0
"""Standard errors of the gap. Some 30 validations are looked at, and the best of them is taken."""


@dataclass(frozen=True)
class Behind:
    """By how much, when it was hopeless."""

    seconds: float
    ours: float
    theirs: float

    def __str__(self) -> str:
        return (
            f"stopped early: at {self.seconds:.3g} s its tuning accuracy was {self.ours:.3f} "
            f"where the best had {self.theirs:.3f}"
        )


@dataclass(kw_only=True)
class Race:
    """One fit against its rival."""

    rival: Curve
    """The last point is the end of its training."""
    images: int
    """Of the tuning split."""
    chance: float
    """What always naming the most frequent class would get."""
    _gains: list[tuple[float, float]] = field(default_factory=list)
    _validations: int = 0

    def behind(self, seconds: float, accuracy: float, clock: float) -> Behind | None:
        """Take in one validation, at so many seconds of a clock; where it is hopeless, say how far behind it is."""
        self._validations += 1
        if not self._gains or accuracy > self._gains[-1][1]:
            self._gains.append((seconds, accuracy))
        if not self.rival or self._validations < VALIDATIONS or seconds < TIME * max(self.rival[-1][0], clock):
            return None
        found = Behind(seconds, self._gains[-1][1], best_until(self.rival, seconds, self.chance))
        return found if self._lost(found) and self._expected(found, clock) < found.theirs else None

    def _lost(self, found: Behind) -> bool:
        error = math.hypot(*(standard_error(share, self.images) for share in (found.ours, found.theirs)))
        learnt = (found.ours - self.chance) < LEARNT * (found.theirs - self.chance)
        return learnt and found.theirs - found.ours > ERRORS * error

    def _expected(self, found: Behind, clock: float) -> float:
        """At the end, if it goes on as in the latter half of its time: what rises late, or steadily, is spared."""
        before = best_until(self._gains, found.seconds / 2, self.chance)
        return found.ours + max(0.0, found.ours - before) * (clock - found.seconds) / (found.seconds / 2)


def best_until(curve: Curve, seconds: float, chance: float) -> float:
    """The best of a curve at a time; before its first point, chance."""
    return max((accuracy for when, accuracy in curve if when <= seconds), default=chance)


def standard_error(share: float, images: int) -> float:
    """Of a proportion; with two hits and two misses more, as Agresti and Coull 1998, it is not nothing at 0 and 1."""
    mean = (share * images + 2) / (images + 4)
    return math.sqrt(mean * (1 - mean) / (images + 4))
