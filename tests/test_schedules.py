"""The schedule of every recipe is complete where the clock is shorter than its epochs, on a clock that batches turn."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from harness.contract import Task
from orchestrator.bench.paper.tuned import RECIPES
from prompts.recipe import read_recipe, recipe_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from prompts.recipe import Recipe

pytestmark = pytest.mark.torch

SECONDS = 400
TASK = Task(
    classes=("dark", "light"),
    image_size=(4, 4),
    channels=1,
    train_size=64,
    class_counts=(32, 32),
    mean=(0.5,),
    std=(0.3,),
    device="cpu",
    seed=0,
    seconds=SECONDS,
)
EVERY_RECIPE = [read_recipe(name) for name in recipe_names()] + [read_recipe("vit", RECIPES)]


class TurnedRun:
    """`contract.Run`: each batch takes one second."""

    def __init__(self) -> None:
        self.left = float(SECONDS)
        self.rates: list[float] = []

    def batches(self, batch_size: int) -> TurnedRun:
        assert batch_size > 1
        return self

    def __len__(self) -> int:
        return 7

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(len(self)):
            self.left -= 1
            yield torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 0, 1])

    def validate(self, model: nn.Module) -> float:
        assert not model.training
        return 0.5

    def save(self, model: nn.Module) -> None:
        assert not model.training

    def log(self, **metrics: float) -> None:
        self.rates.append(metrics["learning_rate"])

    def seconds_left(self) -> float:
        return self.left


@pytest.mark.parametrize("recipe", EVERY_RECIPE, ids=lambda recipe: recipe.name)
def test_a_schedule_is_complete_when_the_clock_is_shorter_than_the_epochs(recipe: Recipe, tmp_path: Path) -> None:
    file, run = tmp_path / "train.py", TurnedRun()
    file.write_text(recipe.fill({"epochs": 300})["train"])

    runpy.run_path(str(file))["train"](nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), TASK, run)

    assert 0.05 * SECONDS < run.left < 0.11 * SECONDS
    assert run.rates[-1] < max(run.rates) / 100
