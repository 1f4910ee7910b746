"""Photos of any size: a random crop of each, brought to one size, with TrivialAugment; whole images in prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.transforms import v2

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import BatchTransform, ImageTransform, Task

SIDE = 160  # pixels; what the network sees is square
SMALLEST_CROP = 0.35  # of the image's area
FLIP = True  # left and right are the same thing
POLICY = "trivial"  # none, trivial (TrivialAugment) or rand (RandAugment, two operations of magnitude 9)
ERASE = 0.0  # probability that a random rectangle is erased
MIXUP = 0.0  # alpha of its Beta distribution; 0: off
CUTMIX = 0.0  # alpha of its Beta distribution; 0: off

POLICIES = {"none": v2.Identity, "trivial": v2.TrivialAugmentWide, "rand": v2.RandAugment}


def train_transform(task: Task) -> ImageTransform:
    return v2.Compose(
        [
            v2.RandomResizedCrop((SIDE, SIDE), scale=(SMALLEST_CROP, 1.0), antialias=True),
            v2.RandomHorizontalFlip(0.5 if FLIP else 0.0),
            POLICIES[POLICY](),
            *standardize(task),
            v2.RandomErasing(ERASE),
        ]
    )


def eval_transform(task: Task) -> ImageTransform:
    return v2.Compose([v2.Resize((SIDE, SIDE), antialias=True), *standardize(task)])


def standardize(task: Task) -> list[v2.Transform]:
    spread = [max(deviation, 1e-3) for deviation in task.std]
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(task.mean), spread)]


def batch_transform(task: Task) -> BatchTransform:
    mixes = [v2.MixUp(alpha=MIXUP, num_classes=task.num_classes)] if MIXUP else []
    mixes += [v2.CutMix(alpha=CUTMIX, num_classes=task.num_classes)] if CUTMIX else []
    mix = v2.RandomChoice(mixes) if mixes else v2.Identity()

    def transform(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return mix(images, labels)

    return transform
