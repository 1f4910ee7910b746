"""Pipelines of known true accuracy: synthetic ones, and small networks that were trained on digits and recorded.

The synthetic ones have an image right if a number is above 0: how easy the image is for all, for this pipeline and for
this seed, and how good the pipeline is. The shares of these parts are those of the recorded networks: two seeds of one
pipeline correlate by 0.92 (tetrachoric, median of 14 pipelines), two pipelines by 0.91, whole trainings differ by more
than their images do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

import numpy as np

from harness.report import Report
from orchestrator.outcome import Trained
from orchestrator.scoring import Score
from tests.bench.recorded import read_recorded

if TYPE_CHECKING:
    from numpy.typing import NDArray

NORMAL = NormalDist()
FOR_ALL, FOR_PIPELINE, FOR_SEED = math.sqrt(0.90), math.sqrt(0.02), math.sqrt(0.08)
DRAFT = 0.85
"""True accuracy of the first pipeline."""
HELP, HURT = 0.08, 0.12
"""Mean effects (exponential) of what helps and hurts, in standard deviations: near 0.85, about 2 and 3 points."""
CHANGES = 20

Train = Callable[[], "NDArray[np.bool_]"]


@dataclass
class Candidate:
    """A pipeline, and what each of its trainings has right on the validation images."""

    level: float
    """How good it is, in standard deviations."""
    truth: float
    """Its mean accuracy over all seeds and images there could be."""
    train: Train
    trials: list[Trained] = field(default_factory=list)

    def once_more(self) -> Candidate:
        self.trials.append(_trained(self.train()))
        return self

    @property
    def mean(self) -> float:
        return fmean(trial.score.accuracy for trial in self.trials)


class Synthetic:
    """Images, a draft and changes; each changes what stands."""

    def __init__(self, seed: int, *, images: int, odds: tuple[float, float, float], shift: float) -> None:
        """`odds`: of changes that do nothing, help and hurt; `shift`: by which seeds differ, in standard deviations."""
        self._random = np.random.default_rng([seed, images])
        kinds = self._random.choice((0.0, HELP, -HURT), CHANGES, p=odds)
        self._effects = (kinds * self._random.exponential(size=CHANGES)).tolist()
        self._images, self._shift = images, shift
        self._easy = FOR_ALL * self._draw()

    def draft(self) -> Candidate:
        return self._candidate(NORMAL.inv_cdf(DRAFT) * self._spread)

    def change(self, standing: Candidate, number: int) -> Candidate:
        return self._candidate(standing.level + self._effects[number])

    def _candidate(self, level: float) -> Candidate:
        easy = self._easy + FOR_PIPELINE * self._draw()

        def train() -> NDArray[np.bool_]:
            luck = self._shift * self._random.standard_normal()
            return level + luck + easy + FOR_SEED * self._draw() > 0

        return Candidate(level, NORMAL.cdf(level / self._spread), train)

    @property
    def _spread(self) -> float:
        return math.hypot(1.0, self._shift)

    def _draw(self) -> NDArray[np.float32]:
        return self._random.standard_normal(self._images, dtype=np.float32)


class Recorded:
    """Small networks on digits, in any order; their truth is that of the other images, over all seeds."""

    def __init__(self, seed: int, *, images: int) -> None:
        self._random = np.random.default_rng(seed)
        right = read_recorded()
        order = self._random.permutation(right.shape[-1])
        self._right, rest = right[..., order[:images]], right[..., order[images:]]
        self._truths = rest.mean(axis=(1, 2)).tolist()
        self._drawn = self._random.integers(1, len(right), CHANGES).tolist()

    def draft(self) -> Candidate:
        return self._candidate(0)

    def change(self, standing: Candidate, number: int) -> Candidate:  # noqa: ARG002 - as the synthetic one
        return self._candidate(self._drawn[number])

    def _candidate(self, which: int) -> Candidate:
        seeds = iter(self._random.permutation(self._right.shape[1]).tolist())
        return Candidate(self._truths[which], self._truths[which], lambda: self._right[which, next(seeds)])


def _trained(right: NDArray[np.bool_]) -> Trained:
    accuracy = float(right.mean())
    score = Score(
        images=len(right),
        accuracy=accuracy,
        interval=(0.0, 1.0),
        macro_f1=accuracy,
        log_loss=1.0,
        calibration_error=0.0,
        per_class=(),
        confusion=(),
        right=np.packbits(right).tobytes().hex(),
    )
    return Trained(score=score, report=Report(), seconds=1.0)
