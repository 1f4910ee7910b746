"""The schedule of every recipe is complete where the clock is shorter than its epochs, on a clock that batches turn."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from orchestrator.bench.paper.tuned import RECIPES
from prompts.recipe import read_recipe, recipe_names
from tests.playbook_cases import make_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from prompts.recipe import Recipe

pytestmark = pytest.mark.torch

SECONDS = 400
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
            yield torch.rand(4, 1, 8, 8), torch.arange(4)

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

    runpy.run_path(str(file))["train"](nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), make_task(), run)

    assert 0.05 * SECONDS < run.left < 0.11 * SECONDS
    assert run.rates[-1] < max(run.rates) / 100
