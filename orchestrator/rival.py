"""The best run's tuning curve, as the fits after it are told it: what `harness.rival` compares them with."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from orchestrator.outcome import Trained

Rival: TypeAlias = tuple[tuple[float, float], ...]
"""(seconds of `train`, best tuning accuracy until then), ascending; the last one is the end of its training."""

POINTS = 200
"""Of a rival; where there are more gains, some are left out, and it looks a little worse in between."""


def rival_curve(trained: Trained) -> Rival:
    """Make a rival of a curve, which its own component may have made up; without a tuning accuracy there is none.

    What it says is cut to the validation accuracy, which was measured here: no lie makes it better than it is.
    """
    told = sorted(
        (point["seconds"], min(point["tuning_accuracy"], trained.score.accuracy))
        for point in trained.report.curve
        if point.keys() >= {"seconds", "tuning_accuracy"} and point["seconds"] >= 0
    )
    gains: list[tuple[float, float]] = []
    for seconds, accuracy in told:
        if accuracy > (gains[-1][1] if gains else 0.0):
            gains.append((seconds, accuracy))
    if not gains:
        return ()
    step = -(-len(gains) // (POINTS - 1))
    end = max(told[-1][0], trained.report.seconds.get("train", 0.0))
    return (*gains[::step], (end, gains[-1][1]))
