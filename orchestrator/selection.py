"""Is this better than the best so far, or only luckier?

All comparisons are on the same validation images, so what counts is where two pipelines differ: images that both have
right, or both wrong, say nothing. A pipeline may have been trained several times, with other seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Literal

import numpy as np

from orchestrator.errors import AutoModelError
from orchestrator.scoring import right_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestrator.outcome import Trained
    from orchestrator.scoring import Score

SLOWER = 1.5
"""Up to so many times as long counts as noise of the clock: packages installed meanwhile made 58 s of 44."""
LEVEL = 0.1
"""How often luck alone may pass the test.

Simulated (`tests.bench --only selection`; with 300, 1,000 and 10,000 validation images): of the changes that are kept,
28, 22 and 24 % are no improvements; 54, 52 and 49 % where any gain is kept. It is no free lunch: with the finals, any
gain ends 0.55, 0.39 and 0.05 points higher, as a change that does nothing costs nothing there. 0.2 gives back 0.08,
0.15 and 0.03 points of that, for 36, 31 and 31 %.
"""
PROMISING = 0.35
"""How often luck alone may look promising: worth another seed, not yet worth keeping.

About two trainings more in a run of twenty changes, for 0.21, 0.08 and 0.02 points; 0.5 takes four, for 0.30, 0.19 and
0.03. Where time is short, not ideas, the same trainings spent on new changes are worth more.
"""
STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
"""The 97.5 % points of Student's t for 1, 2 ... 20 degrees of freedom."""


class UnknownImagesError(AutoModelError):
    """Raised when a score does not say which images are right: older versions did not write it down."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a change must show to be kept."""

    protocol: Literal["careful", "paper"] = "careful"
    level: float = LEVEL
    """Of the paired test, in the careful protocol."""
    promising: float = PROMISING
    """Up to which p a gain that fails the test is worth another seed."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a candidate."""

    kind: Literal["better", "lighter", "promising", "no"]
    """`better` and `lighter` replace what stands; `promising` is worth another seed before it is thrown away."""
    p: float
    """How likely luck alone gives the candidate such an advantage; 1 where nothing can be compared."""
    sentence: str
    """The reason, for people."""

    @property
    def kept(self) -> bool:
        return self.kind in {"better", "lighter"}


def decide(candidate: Sequence[Trained], standing: Sequence[Trained], rule: Rule) -> Decision:
    """Whether a candidate replaces what stands; each trained once or, with other seeds, more often.

    A tie keeps the simpler and faster of the two, so that no change is kept for nothing.

    Raises:
        UnknownImagesError: as `luck`, in the careful protocol.
    """
    gain = _accuracy(candidate) - _accuracy(standing)
    if rule.protocol == "paper":
        kind: Literal["better", "no"] = "better" if gain > 0 else "no"
        now, before = 100 * _accuracy(candidate), 100 * _accuracy(standing)
        return Decision(kind=kind, p=1.0, sentence=f"{now:.2f} % right instead of {before:.2f} %")
    ahead = _ahead(_scores(candidate), _scores(standing))
    p = _chance(ahead)
    said = f"{_differences(ahead, once=len(candidate) == len(standing) == 1)}: {chance_in_words(p)}"
    if p <= rule.level:
        return Decision(kind="better", p=p, sentence=said)
    if gain >= 0 and _is_lighter(candidate, standing):
        seconds = f"{_seconds(candidate):.0f} s instead of {_seconds(standing):.0f} s"
        return Decision(kind="lighter", p=p, sentence=f"{said}; a tie, and it takes {seconds}")
    if p <= rule.promising:
        return Decision(kind="promising", p=p, sentence=f"{said}; promising, but it may be luck")
    return Decision(kind="no", p=p, sentence=said)


def luck(candidate: Sequence[Score], standing: Sequence[Score]) -> float:
    """How likely luck alone puts the candidate so far ahead: one-sided and exact.

    With one score each it is McNemar's test. With several, of other seeds, it is Fisher's permutation test on each
    image's difference between the two shares of seeds that have it right. (Their signs alone would mislead: of an image
    that both have right nine times in ten, the side with more seeds is more often the one that is not always right.)

    Raises:
        UnknownImagesError: a score does not say which images are right.
    """
    return _chance(_ahead(candidate, standing))


def winner(finals: Sequence[Sequence[Trained]]) -> int:
    """Which has the best mean accuracy over its seeds; of equal ones the surer, then the faster."""

    def key(index: int) -> tuple[float, float, float]:
        runs = finals[index]
        return -_accuracy(runs), fmean(run.score.log_loss for run in runs), _seconds(runs)

    return min(range(len(finals)), key=key)


def mean_interval(scores: Sequence[Score]) -> tuple[float, tuple[float, float]]:
    """The mean accuracy over seeds, and its 95 % interval.

    Of several seeds it is Student's, and says how far the mean of other seeds may lie on the same images. Of one seed
    there is no spread to go by: it is then that score's own (Wilson's), which says how far other images may lie.
    """
    if len(scores) == 1:
        return scores[0].accuracy, scores[0].interval
    accuracies = [score.accuracy for score in scores]
    mean, freedom = fmean(accuracies), min(len(accuracies) - 1, len(STUDENT))
    half = STUDENT[freedom - 1] * stdev(accuracies) / math.sqrt(len(accuracies))
    return mean, (max(0.0, mean - half), min(1.0, mean + half))


def _ahead(candidate: Sequence[Score], standing: Sequence[Score]) -> NDArray[np.int64]:
    """How much more often the candidate has each image right (N,), in units in which that is a whole number."""
    return _times_right(candidate) * len(standing) - _times_right(standing) * len(candidate)


def _times_right(scores: Sequence[Score]) -> NDArray[np.int64]:
    if not all(score.right for score in scores):
        raise UnknownImagesError(
            "An older version began this run and did not write down which images are right: begin another with --new."
        )
    times: NDArray[np.int64] = np.array([right_images(score) for score in scores]).sum(axis=0, dtype=np.int64)
    return times


def _chance(ahead: NDArray[np.int64]) -> float:
    """Probability of at least such a sum of the positive ones, if each difference had its sign from a fair coin."""
    sizes, counts = np.unique(np.abs(ahead[ahead != 0]), return_counts=True)
    length = 1 << int((sizes * counts).sum()).bit_length()
    # The distribution of a sum is the product of its parts' in the frequency domain: exact to 1e-11, and quick.
    turn = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    transform = np.ones_like(turn)
    for size, count in zip(sizes, counts, strict=True):
        transform *= ((1 + turn**size) / 2) ** count
    chances = np.fft.irfft(transform, length)
    # Rounded to what is exact of it, so that a level is met on every machine, or on none.
    return abs(round(float(chances[ahead[ahead > 0].sum() :].sum()), 10))


def _is_lighter(candidate: Sequence[Trained], standing: Sequence[Trained]) -> bool:
    """Whether it is clearly faster, and its network no larger."""
    larger = candidate[0].report.parameters > standing[0].report.parameters
    return not larger and SLOWER * _seconds(candidate) <= _seconds(standing)


def _scores(runs: Sequence[Trained]) -> list[Score]:
    return [run.score for run in runs]


def _accuracy(runs: Sequence[Trained]) -> float:
    return fmean(run.score.accuracy for run in runs)


def _seconds(runs: Sequence[Trained]) -> float:
    return fmean(run.seconds for run in runs)


def _differences(ahead: NDArray[np.int64], *, once: bool) -> str:
    ups, downs = int((ahead > 0).sum()), int((ahead < 0).sum())
    images = f"{ups:,} image{'' if ups == 1 else 's'}"
    if once:
        return f"{images} right that {'was' if ups == 1 else 'were'} wrong, {downs:,} the other way"
    return f"over the seeds {images} right more often, {downs:,} less often"


def chance_in_words(p: float) -> str:
    """`p = 0.02`, or `p < 0.001` where more digits would tell nothing."""
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
