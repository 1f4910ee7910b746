"""A well-known network of timm with random weights, for photos where no pretrained weights are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contract import Task

ARCHITECTURE = "resnet18d"
DROPOUT = 0.1  # before the last layer
DROP_PATH = 0.05  # share of the residual branches that are skipped
FLIP_VIEWS = True  # predictions are averaged over the image and its mirror image


def build_model(task: Task) -> nn.Module:
    return timm.create_model(
        ARCHITECTURE,
        pretrained=False,
        in_chans=task.channels,
        num_classes=task.num_classes,
        drop_rate=DROPOUT,
        drop_path_rate=DROP_PATH,
    )


def predict(model: nn.Module, images: Tensor) -> Tensor:
    return model(images) + model(images.flip(3)) if FLIP_VIEWS else model(images)
