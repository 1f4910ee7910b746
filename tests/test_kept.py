"""Weights that are much worse than others that were there are told; luck is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from torch import nn

from harness.kept import Kept
from tests.harness_jobs import fit, pipeline

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

NETWORK, OTHER = nn.Identity(), nn.Identity()
IMAGES = 100


def kept(*accuracies: float, save_at: int) -> str:
    """What is said where one epoch's weights are saved last."""
    found = Kept()
    for epoch, accuracy in enumerate(accuracies):
        found.validated(NETWORK, (epoch, 0), accuracy)
        if epoch <= save_at:
            found.saved(NETWORK, (epoch, 0))
    return found.odd(IMAGES)


def test_weights_that_are_much_worse_than_the_best_are_told() -> None:
    assert "have a tuning accuracy of 0.600, others before had 0.950" in kept(0.6, 0.95, 0.9, save_at=0)


@pytest.mark.parametrize("saved", [0.95, 0.91, 0.84])
def test_weights_that_are_as_good_up_to_luck_are_no_fault(saved: float) -> None:
    assert kept(0.3, 0.95, saved, save_at=2) == ""


def test_of_weights_that_were_not_validated_nothing_is_said() -> None:
    found = Kept()
    found.validated(NETWORK, (1, 0), 0.95)
    found.validated(NETWORK, (2, 0), 0.1)
    found.saved(OTHER, (2, 0))
    assert found.odd(IMAGES) == ""
    found.saved(NETWORK, (3, 0))
    assert found.odd(IMAGES) == ""
    assert Kept().odd(IMAGES) == ""


WORST = """
import torch
from torch.nn.functional import cross_entropy

def train(model, task, run):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    batches = run.batches(8)
    run.validate(model)
    run.save(model)
    for epoch in range(4):
        for images, targets in batches:
            optimizer.zero_grad()
            cross_entropy(model(images), targets).backward()
            optimizer.step()
        run.log(accuracy=run.validate(model))
"""


def test_the_analyst_is_told_that_the_first_epoch_was_kept(tmp_path: Path) -> None:
    report = fit(tmp_path / "job", pipeline() | {"train": WORST}, images=600).report

    assert report.crash is None
    assert any("the weights that run.save got last" in warning for warning in report.warnings)
