"""Small images, one by one, as most people would first write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.transforms import v2

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import BatchTransform, ImageTransform, Task


def train_transform(task: Task) -> ImageTransform:
    return v2.Compose(
        [
            v2.RandomAffine(degrees=8, translate=(0.08, 0.08)),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=list(task.mean), std=list(task.std)),
        ]
    )


def eval_transform(task: Task) -> ImageTransform:
    return v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=list(task.mean), std=list(task.std)),
        ]
    )


def batch_transform(task: Task) -> BatchTransform:
    def mix(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        share = 0.8 + 0.2 * torch.rand(())
        order = torch.randperm(len(images), device=images.device)
        targets = torch.nn.functional.one_hot(labels, task.num_classes).float()
        mixed = share * images + (1 - share) * images[order]
        return mixed, share * targets + (1 - share) * targets[order]

    return mix


def sample_weights(task: Task, labels: Tensor) -> Tensor:
    counts = torch.tensor(task.class_counts, dtype=torch.float32)
    return (1 / counts)[labels]
