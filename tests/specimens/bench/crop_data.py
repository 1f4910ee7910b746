"""Random crop with 4 pixels of padding and horizontal flip, image by image, as torchvision does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.transforms import v2

if TYPE_CHECKING:
    from harness.contract import ImageTransform, Task


def train_transform(task: Task) -> ImageTransform:
    crop = v2.RandomCrop(task.image_size, padding=4)
    return v2.Compose([crop, v2.RandomHorizontalFlip(), eval_transform(task)])


def eval_transform(task: Task) -> ImageTransform:
    return v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(task.mean, task.std)])
