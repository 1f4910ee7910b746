"""What executing a pipeline comes to: it trained, or it crashed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report import Crash, Report
    from orchestrator.scoring import Score


@dataclass(frozen=True, kw_only=True)
class Trained:
    """It gave logits, and the host scored them."""

    score: Score
    """On the validation split."""
    report: Report
    """What the job measured of itself: curve, epoch time, memory, warnings."""
    seconds: float
    """Wall time of the attempt: check, training and prediction."""
    custody: Mapping[str, str] = field(default_factory=dict)
    """What the score was made from, by checksum: see `custody.seal`."""


@dataclass(frozen=True, kw_only=True)
class Crashed:
    """It gave none."""

    crash: Crash
    """Where, whose fault, with the traceback as text."""
    log: str
    """The tail of what it printed."""
    seconds: float


Outcome: TypeAlias = Trained | Crashed
