"""Images as Jia et al. 2022 show them to their networks on VTAB: resized, normalized, nothing else.

Their code (KMnP/vpt, `tf_dataset.py`) takes ImageNet's mean and deviation for every network, and so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.transforms import v2

if TYPE_CHECKING:
    from harness.contract import ImageTransform, Task

SIDE = 224  # pixels; what the network sees is square
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def train_transform(task: Task) -> ImageTransform:
    return eval_transform(task)


def eval_transform(task: Task) -> ImageTransform:  # noqa: ARG001 - the contract's
    return v2.Compose(
        [
            v2.RGB(),  # of grey images, too
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((SIDE, SIDE), antialias=True),
            v2.Normalize(MEAN, DEVIATION),
        ]
    )
