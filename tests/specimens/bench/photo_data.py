"""The training of photos as everybody begins it: a random crop of 128 pixels and a flip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.transforms import v2

if TYPE_CHECKING:
    from harness.contract import ImageTransform, Task

SIDE = 128


def train_transform(task: Task) -> ImageTransform:
    return v2.Compose([v2.RandomResizedCrop(SIDE, antialias=True), v2.RandomHorizontalFlip(), *numbers(task)])


def eval_transform(task: Task) -> ImageTransform:
    return v2.Compose([v2.Resize((SIDE, SIDE), antialias=True), *numbers(task)])


def numbers(task: Task) -> list[ImageTransform]:
    """From an image of any kind to normalized floats."""
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(task.mean, task.std)]
