"""A schedule that falls to nothing and stays there is found; those that people use are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch.optim import lr_scheduler

from harness.rates import Rates
from tests.harness_jobs import fit, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch.optim import Optimizer

    Make = Callable[[Optimizer], lr_scheduler.LRScheduler]

pytestmark = pytest.mark.torch

STEPS = 200
LOW = {
    "by a tenth at every batch": lambda optimizer: lr_scheduler.StepLR(optimizer, 1, 0.9),
    "a cosine that is over after a third": lambda optimizer: lr_scheduler.LambdaLR(
        optimizer, lambda step: float(step < STEPS // 3)
    ),
}
USUAL = {
    "a cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, STEPS),
    "one cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, STEPS),
    "warm restarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 20),
    "a warm-up from nothing": lambda optimizer: lr_scheduler.LinearLR(optimizer, 1e-9, total_iters=STEPS),
    "three steps down": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [60, 120, 160]),
    "down to a thousandth": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 1e-3 ** (1 / STEPS)),
}


def weight() -> torch.Tensor:
    made = torch.ones(1, requires_grad=True)
    made.grad = torch.zeros(1)
    return made


def steps(optimizer: Optimizer, make: Make) -> None:
    schedule = make(optimizer)
    for _ in range(STEPS):
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("schedule", LOW)
def test_most_steps_at_next_to_nothing_are_told(schedule: str) -> None:
    rates = Rates()
    with rates.watched():
        steps(torch.optim.SGD([weight()], lr=0.1), LOW[schedule])

    assert "steps were made with less than a hundredth of the highest rate" in rates.odd()


@pytest.mark.parametrize("schedule", USUAL)
def test_a_usual_schedule_is_no_fault(schedule: str) -> None:
    rates = Rates()
    with rates.watched():
        steps(torch.optim.AdamW([weight()], lr=0.1), USUAL[schedule])

    assert rates.odd() == ""


def test_each_optimizer_is_measured_by_its_own_highest_rate() -> None:
    rates = Rates()
    groups = [{"params": [weight()], "lr": 1e-5}, {"params": [weight()], "lr": 1.0}]
    with rates.watched():
        steps(torch.optim.SGD([weight()], lr=1e-6), USUAL["a cosine"])
        steps(torch.optim.SGD(groups), USUAL["a cosine"])
        steps(torch.optim.SGD([weight()], lr=0.1), LOW["by a tenth at every batch"])

    assert rates.odd() == ""


def test_nothing_is_noted_outside_of_a_training_and_of_a_rate_that_is_no_number() -> None:
    rates = Rates()
    with rates.watched():
        torch.optim.Adam([weight()], lr=torch.tensor(0.1), capturable=False, foreach=False).step()
    torch.optim.SGD([weight()], lr=0.1).step()

    assert rates.odd() == ""


def test_the_analyst_is_told_of_a_schedule_that_was_stepped_too_often(tmp_path: Path) -> None:
    files = pipeline(train=("optimizer.step()", "optimizer.step(); schedule.step()"))
    made = "    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)\n    batches ="
    files["train"] = files["train"].replace("    batches =", made)
    report = fit(tmp_path / "job", files).report

    assert report.crash is None
    assert [warning[:80] for warning in report.warnings] == [
        "train.py: 11 of 18 steps were made with less than a hundredth of the highest rat"
    ]
