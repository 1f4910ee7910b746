"""Tasks, curves and histories as the playbook meets them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.contract import Task
from harness.report import Crash, Report
from orchestrator.outcome import Crashed, Trained
from orchestrator.team import Iteration, Profile, Proposal
from tests.fakes import make_score

if TYPE_CHECKING:
    from orchestrator.outcome import Outcome

DIGITS = tuple("0123456789")
ANIMALS = tuple(f"animal {number}" for number in range(10))


def make_task(**changes: Any) -> Task:
    """Digits of 8x8 pixels on a CPU, unless changed."""
    task = Task(
        classes=DIGITS,
        image_size=(8, 8),
        channels=1,
        train_size=1294,
        class_counts=(130,) * 10,
        mean=(0.3,),
        std=(0.37,),
        device="cpu",
        seed=0,
        seconds=1200,
    )
    return replace(task, **changes)


def make_profile(*, description: str = "", median_size: tuple[int, int] | None = None, **changes: Any) -> Profile:
    task = make_task(**changes)
    size = median_size or task.image_size or (200, 200)
    return Profile(dataset="d", description=description, task=task, median_size=size, cores=2, memory=8 << 30)


def colour(**changes: Any) -> dict[str, Any]:
    """What is different about a set of 32x32 colour photos."""
    photos = {"classes": ANIMALS, "channels": 3, "image_size": (32, 32), "mean": (0.5,) * 3, "std": (0.2,) * 3}
    return photos | {"train_size": 45_000, "class_counts": (4_500,) * 10} | changes


def curve(accuracy: float, tuning: float, epochs: int = 40) -> tuple[dict[str, float], ...]:
    """A calm curve that ends at these accuracies."""
    return tuple(
        {"epoch": float(epoch), "loss": 1 / (epoch + 1), "accuracy": accuracy, "tuning_accuracy": tuning}
        for epoch in range(epochs)
    )


def trained(
    accuracy: float, points: tuple[dict[str, float], ...], seconds: float = 15.0, epoch: float | None = None
) -> Trained:
    score = replace(make_score(accuracy), images=1000, per_class=(accuracy,) * 10)
    report = Report(curve=points, seconds={"train": seconds}, epoch_seconds=epoch)
    return Trained(score=score, report=report, seconds=seconds)


def crashed(error: str, culprit: str | None = "train") -> Crashed:
    crash = Crash(phase="fit", step="train", culprit=culprit, error=error)
    return Crashed(crash=crash, log=error, seconds=1.0)


def iteration(number: int, proposal: Proposal, outcome: Outcome, *, kept: bool) -> Iteration:
    return Iteration(number=number, proposal=proposal, outcome=outcome, attempts=1, kept=kept, turn=number)
