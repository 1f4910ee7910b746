"""ResNet-18 with a stem for 32 x 32 pixels: a 3 x 3 convolution of stride 1, no pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torchvision
from torch import nn

if TYPE_CHECKING:
    from harness.contract import Task


def build_model(task: Task) -> nn.Module:
    model: nn.Module = torchvision.models.resnet18(num_classes=task.num_classes)
    model.conv1 = nn.Conv2d(task.channels, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model
