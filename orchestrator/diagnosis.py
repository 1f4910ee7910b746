"""The rule-based analyst: one look at a trained pipeline's curve and score, one diagnosis with its numbers.

It looks at the classifier as a whole and at the balance of its classes; it does not look at images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.contract import Task
    from harness.report import Report
    from orchestrator.outcome import Trained

Finding: TypeAlias = Literal["dead", "slow", "unstable", "unbalanced", "overfit", "underfit", "converged"]

NOTICEABLE = 0.01
"""A gap between two accuracies that matters."""
SURELY = 4.0
"""Standard errors of what guessing gets, below which it was no guessing."""
NOISE = 2.0
"""Standard errors of an accuracy, within which a gap is no finding; the tuning split is as large as validation."""
FITTED = 0.97
"""Training accuracy from which on the network can do what was asked of it."""
UNBALANCED = 3.0
"""Images of the largest class for one of the smallest, from which on weights may pay."""
JUMP = 1.3
"""An epoch's loss over that of the epoch before, from which on training is not calm."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is the matter, and how one sees it."""

    finding: Finding
    sentence: str


def diagnose(trained: Trained, task: Task, epochs: int | None) -> Diagnosis:
    """Name what most limits a pipeline; `epochs`: as many were planned, None where that is not known."""
    curve = trained.report.curve
    training = next(_shares(curve, "accuracy"), 0.0)
    held_out, where = _held_out(trained)
    return (
        _hopeless(trained.report)
        or _inverted(training, trained)
        or _dead(training, held_out, task)
        or _slow(trained, epochs)
        or _unstable(curve)
        or _unbalanced(trained, task)
        or _fit(training, held_out, where, trained.score.images)
    )


def stopped_early(report: Report) -> str:
    """Why training was ended before its end, as the end of a sentence; empty where it was not."""
    if report.stopped != "hopeless":
        return "the clock stopped it before its end" if report.stopped else ""
    point = next((point for point in reversed(report.curve) if "rival_accuracy" in point), {})
    if not point.keys() >= {"seconds", "tuning_accuracy"}:
        return "stopped early: hopeless beside the best"
    return (
        f"stopped early: at {point['seconds']:.3g} s its tuning accuracy was {point['tuning_accuracy']:.3f} "
        f"where the best had {point['rival_accuracy']:.3f}"
    )


def _hopeless(report: Report) -> Diagnosis | None:
    if report.stopped != "hopeless":
        return None
    why = stopped_early(report)
    return Diagnosis(finding="slow", sentence=f"{why[0].upper()}{why[1:]}.")


def _held_out(trained: Trained) -> tuple[float, str]:
    tuning = next(_shares(trained.report.curve, "tuning_accuracy"), None)
    return (trained.score.accuracy, "validation") if tuning is None else (tuning, "tuning")


def _shares(curve: Sequence[dict[str, float]], name: str) -> Iterator[float]:
    """A metric from the last point on; what is no share is the component's own word, and says nothing."""
    return (point[name] for point in reversed(curve) if 0 <= point.get(name, -1) <= 1)


def _dead(training: float, held_out: float, task: Task) -> Diagnosis | None:
    chance = max(task.class_counts) / sum(task.class_counts)
    if max(training, held_out) > min(1.2 * chance, 0.5 + chance / 2):
        return None
    return Diagnosis(
        finding="dead",
        sentence=f"Training accuracy is {training:.3f} where guessing gets {chance:.3f}: it does not learn.",
    )


def _inverted(training: float, trained: Trained) -> Diagnosis | None:
    """What learns nothing is right by chance; to be right more seldom, one has to learn something else."""
    score = trained.score
    chance = 1 / len(score.per_class)
    if score.accuracy >= chance - SURELY * math.sqrt(chance * (1 - chance) / score.images):
        return None
    return Diagnosis(
        finding="dead",
        sentence=f"Validation accuracy is {score.accuracy:.3f}, less than by guessing ({chance:.3f}), where training "
        f"has {training:.3f}: labels or images are others in training than they are.",
    )


def _slow(trained: Trained, epochs: int | None) -> Diagnosis | None:
    seen = len(trained.report.curve)
    if epochs is not None and 0 < seen < 0.9 * epochs:
        sentence = f"The clock allowed {seen} of {epochs} epochs: it is too slow."
    elif trained.report.stopped == "clock":
        sentence = f"The clock stopped training after {seen} epochs: it is too slow."
    else:
        return None
    return Diagnosis(finding="slow", sentence=sentence)


def _unstable(curve: Sequence[dict[str, float]]) -> Diagnosis | None:
    losses = [point["loss"] for point in curve if "loss" in point]
    for number, (before, after) in enumerate(pairwise(losses), start=2):
        if after > JUMP * before + 0.05:
            sentence = f"The loss went from {before:.3f} up to {after:.3f} in epoch {number}: training is unstable."
            return Diagnosis(finding="unstable", sentence=sentence)
    return None


def _unbalanced(trained: Trained, task: Task) -> Diagnosis | None:
    ratio = max(task.class_counts) / max(1, min(task.class_counts))
    recall = sum(trained.score.per_class) / len(trained.score.per_class)
    if ratio < UNBALANCED or trained.score.accuracy - recall < 2 * NOTICEABLE:
        return None
    return Diagnosis(
        finding="unbalanced",
        sentence=f"The largest class has {ratio:.0f} times the images of the smallest, and the mean recall is "
        f"{recall:.3f} against an accuracy of {trained.score.accuracy:.3f}: rare classes are neglected.",
    )


def _fit(training: float, held_out: float, where: str, images: int) -> Diagnosis:
    error = math.sqrt(held_out * (1 - held_out) / images)
    gap, numbers = training - held_out, f"Training accuracy {training:.3f} against {held_out:.3f} on the {where} split"
    if gap >= max(NOTICEABLE, NOISE * error, (1 - held_out) / 2):
        return Diagnosis(finding="overfit", sentence=f"{numbers}: it overfits.")
    if training < FITTED and held_out < FITTED:
        return Diagnosis(finding="underfit", sentence=f"{numbers}: it underfits.")
    return Diagnosis(finding="converged", sentence=f"{numbers}: it has converged.")
