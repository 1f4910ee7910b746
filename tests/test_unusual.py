"""What is unusual and right passes check and training without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness_jobs import fit, pipeline

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

HEAD = "nn.Linear(32, task.num_classes),\n    )"
STEP = "            optimizer.step()\n"
LOSS = "loss = cross_entropy(model(images), targets)"
LOOP = "    for epoch in"
BATCHES = "    batches ="
MIXES = """
def batch_transform(task):
    from torchvision.transforms import v2
    kinds = [v2.MixUp(num_classes=task.num_classes), v2.CutMix(num_classes=task.num_classes)]
    return v2.RandomChoice(kinds)


def eval_transform"""
RARE = "def sample_weights(task, labels):\n    return 1 / (1 + 5 * labels.float())\n\n\ndef eval_transform"
FLIPS = "return lambda image: (image.flip(2) if torch.rand(()) < 0.5 else image).float() / 255"
SHARP = """            weights = list(model.parameters())
            moves = [0.05 * weight.grad / (weight.grad.norm() + 1e-9) for weight in weights]
            torch._foreach_add_([weight.data for weight in weights], moves)
            optimizer.zero_grad()
            cross_entropy(model(images), targets).backward()
            torch._foreach_sub_([weight.data for weight in weights], moves)
            optimizer.step()
"""
UNUSUAL: dict[str, tuple[tuple[str, str, str], ...]] = {
    "a last layer of zeros": (
        ("model", "    return nn.Sequential(", "    made = nn.Sequential("),
        ("model", HEAD, f"{HEAD}\n    nn.init.zeros_(made[-1].weight)\n    return made"),
    ),
    "strong dropout": (("model", "nn.Flatten(),", "nn.Flatten(), nn.Dropout(0.5),"),),
    "statistics that are not learnt": (
        ("train", LOOP, f"    model[1].eval()\n{LOOP}"),
        (
            "train",
            "for images, targets in batches:\n",
            "for images, targets in batches:\n            model[1].eval()\n",
        ),
    ),
    "mixup and cutmix": (("data", "\ndef eval_transform", MIXES),),
    "rare classes drawn more often": (("data", "def eval_transform", RARE),),
    "flips in training alone": (("data", "return lambda image: image.float() / 255 + 0.01 * torch.rand(())", FLIPS),),
    "smoothed labels": (("train", "targets)\n", "targets, label_smoothing=0.3)\n"),),
    "sharpness-aware steps": (("train", STEP, SHARP),),
    "warm restarts": (
        ("train", STEP, f"{STEP}            schedule.step()\n"),
        (
            "train",
            BATCHES,
            f"    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3)\n{BATCHES}",
        ),
    ),
    "a rate that begins at zero": (
        ("train", STEP, f"{STEP}            schedule.step()\n"),
        ("train", BATCHES, f"    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1e-12, 1, 9)\n{BATCHES}"),
    ),
    "an average of the weights": (
        ("train", BATCHES, f"    average = torch.optim.swa_utils.AveragedModel(model)\n{BATCHES}"),
        ("train", STEP, f"{STEP}            average.update_parameters(model)\n"),
        ("train", "accuracy = run.validate(model)", "accuracy = run.validate(average); run.save(average)"),
    ),
    "a teacher": (
        ("train", BATCHES, f"    teacher = __import__('copy').deepcopy(model)\n{BATCHES}"),
        ("train", LOSS, f"{LOSS} + (model(images) - teacher(images).detach()).square().mean()"),
    ),
    "two optimizers of very different rates": (
        (
            "train",
            "torch.optim.AdamW(model.parameters(), lr=0.02)",
            "torch.optim.AdamW(model[0].parameters(), lr=2e-5)",
        ),
        ("train", BATCHES, f"    last = torch.optim.SGD(model[-1].parameters(), lr=0.1)\n{BATCHES}"),
        ("train", STEP, f"{STEP}            last.step()\n"),
        ("train", "optimizer.zero_grad()", "model.zero_grad()"),
    ),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_what_is_unusual_and_right_passes_without_a_word(case: str, tmp_path: Path) -> None:
    files = pipeline()
    files["train"] = files["train"].replace("run.batches(8)", "run.batches(40)")
    for name, old, new in UNUSUAL[case]:
        assert files[name].count(old) == 1
        files[name] = files[name].replace(old, new)
    report = fit(tmp_path / "job", files, images=300).report

    assert (report.crash, report.warnings) == (None, ())


def test_a_backbone_that_is_frozen_is_no_fault_where_there_are_pretrained_weights(tmp_path: Path) -> None:
    files = pipeline(model=("nn.Conv2d(task.channels, 8, 3, padding=1),", "nn.Conv2d(task.channels, 8, 3, padding=1),"))
    files["model"] = files["model"].replace("padding=1),", "padding=1).requires_grad_(False),")
    report = fit(tmp_path / "job", files, weights=["resnet18.a1_in1k"]).report

    assert (report.crash, report.warnings) == (None, ())
