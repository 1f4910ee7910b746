"""Iterations and seconds that may be spent; whichever ends first ends the run cleanly."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Budget:
    """What a run may spend."""

    def __init__(
        self, *, iterations: int, hours: float, spent_before: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start the clock. `iterations`: changes after the draft; 0 hours: no limit; `spent_before` in seconds."""
        self.iterations = iterations
        self.hours = hours
        self._clock = clock
        self._began = clock() - spent_before

    def spent(self) -> float:
        """Seconds of this run so far, earlier sessions included."""
        return self._clock() - self._began

    def left(self) -> float:
        """Seconds of RUN_HOURS that are left; endless without a limit."""
        return self.hours * 3600 - self.spent() if self.hours else math.inf

    def outlook(self, done: int, took: float, later: float) -> float | None:
        """Seconds that the run may still take at most, if each turn takes as long as the `done` ones; None before one.

        `took`: seconds of these turns; `later`: of what comes after the last one.
        """
        if not done:
            return None
        planned = took / done * (self.iterations + 1) + later
        return max(0.0, min(planned - self.spent(), self.left()))

    def end(self, done: int, *, needed: float = 0.0, kept_back: float = 0.0) -> str:
        """Why no further iteration may begin after `done` of them (the draft counts), or an empty text.

        `needed`: seconds that it will take; `kept_back`: for what comes after the last one.
        """
        if done > self.iterations:
            return "the one iteration is done" if self.iterations == 1 else f"all {self.iterations} iterations are done"
        if self.left() <= 0:
            return f"{self.hours:g} hours are spent"
        if self.left() < needed + kept_back:
            return f"what is left of {self.hours:g} hours is too little for another iteration"
        return ""
