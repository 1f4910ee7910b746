"""A step that learns its own targets is told from one that learns others, whatever the loss and the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from harness.check_step import Lesson
from tests.harness_jobs import fit, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    Loss = Callable[[Tensor, Tensor], Tensor]

pytestmark = pytest.mark.torch

SIZE, CLASSES = 48, 4
TOLD = "the network is no nearer to the targets of its images than to the same targets in another order"


def smoothed(logits: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(logits, targets, label_smoothing=0.5)


def each_by_itself(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, one_hot(targets, CLASSES).float())


def of_a_teacher(logits: Tensor, targets: Tensor) -> Tensor:
    """Distillation: mostly what a random teacher says."""
    return 0.2 * cross_entropy(logits, targets) + 0.8 * cross_entropy(logits, torch.ones_like(logits) / CLASSES)


GOOD: dict[str, Loss] = {
    "cross entropy": cross_entropy,
    "smoothed": smoothed,
    "of each class by itself": each_by_itself,
    "with a teacher": of_a_teacher,
}
BAD: dict[str, Loss] = {
    "shuffled": lambda logits, targets: cross_entropy(logits, targets[torch.randperm(len(targets))]),
    "of the neighbour": lambda logits, targets: cross_entropy(logits, targets.roll(1)),
    "climbed": lambda logits, targets: -cross_entropy(logits, targets),
    "of the next class": lambda logits, targets: cross_entropy(logits, (targets + 1) % CLASSES),
}


def taught(loss: Loss, seed: int, rate: float = 0.05, dropout: float = 0.5) -> str:
    """What is said of two steps of a small network on images of chance."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, CLASSES)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    lesson = Lesson(model)
    for _ in range(2):
        images, targets = torch.randn(SIZE, 1, 8, 8), torch.randint(0, CLASSES, (SIZE,))
        lesson.begin(images, targets)
        optimizer.zero_grad()
        torch.autograd.backward(loss(model(images), targets))
        optimizer.step()
        lesson.end()
    return lesson.odd()


@pytest.mark.parametrize("loss", GOOD)
def test_steps_that_learn_their_targets_are_no_fault(loss: str) -> None:
    assert {taught(GOOD[loss], seed) for seed in range(20)} == {""}


@pytest.mark.parametrize("loss", BAD)
def test_steps_that_learn_other_targets_are_told(loss: str) -> None:
    assert sum(TOLD in taught(BAD[loss], seed) for seed in range(20)) >= 15


def test_of_steps_that_hardly_move_nothing_is_said() -> None:
    assert taught(BAD["climbed"], 0, rate=1e-9) == ""


def test_of_a_step_that_moves_all_images_alike_nothing_is_said() -> None:
    """As with a transformer in its first steps: it has not begun to tell images apart."""
    for spread, said in ((1.0, TOLD), (0.02, "")):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES))
        images, targets = 1 + spread * torch.randn(SIZE, 1, 8, 8), torch.randint(0, CLASSES, (SIZE,))
        lesson = Lesson(model)
        lesson.begin(images, targets)
        torch.autograd.backward(-cross_entropy(model(images), targets))
        torch.optim.SGD(model.parameters(), lr=0.1).step()
        lesson.end()

        assert said in lesson.odd()
        assert bool(lesson.odd()) == bool(said)


def test_asking_leaves_the_network_as_it_is() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES), nn.BatchNorm1d(CLASSES), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    chance = torch.get_rng_state()
    Lesson(model).begin(torch.randn(SIZE, 64, generator=torch.Generator()), torch.zeros(SIZE, dtype=torch.int64))

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(chance, torch.get_rng_state())
    assert model.training


def test_a_network_that_train_calls_in_another_way_is_not_asked() -> None:
    lesson = Lesson(nn.Bilinear(64, 64, CLASSES))
    lesson.begin(torch.randn(SIZE, 64), torch.zeros(SIZE, dtype=torch.int64))
    lesson.end()

    assert lesson.odd() == ""


def test_targets_shuffled_in_train_are_told_in_the_check(tmp_path: Path) -> None:
    files = pipeline(train=("images), targets)", "images), targets[torch.randperm(len(targets))])"))
    files["train"] = files["train"].replace("run.batches(8)", "run.batches(50)")
    ran = fit(tmp_path / "job", files, images=300)

    assert ran.report.crash is None
    assert TOLD in ran.report.warnings[0]
    assert ran.report.warnings[0].startswith("train.py: ")
