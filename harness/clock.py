"""The clock of `train`."""

from __future__ import annotations

from time import monotonic


class OutOfTime(BaseException):
    """Raised when the clock of `train` is over. No `except Exception` of a component stops it."""


class Clock:
    """Counts down from its making."""

    def __init__(self, seconds: float) -> None:
        self.end = monotonic() + seconds
        self.rang = False
        """Whether it has ended `train`: true even if a component swallowed the exception."""
        self.why = "clock"
        """Why it ends, as the report says it."""

    def left(self) -> float:
        return max(0.0, self.end - monotonic())

    def stop(self, why: str = "clock") -> None:
        self.end = monotonic()
        self.why = why

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            OutOfTime: there is none.
        """
        if monotonic() >= self.end:
            self.rang = True
            raise OutOfTime
