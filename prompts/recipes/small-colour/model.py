"""A fast residual network in the manner of ResNet-9 (David Page; cifar10-airbench): few, wide layers.

Each stage is a convolution, a pooling and residual blocks; a last pooling over the whole image; small logits at first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import Task

WIDTH = 64  # channels of the first layer; the three stages have 2, 4 and 8 times as many
BLOCKS = 1  # residual blocks in the first and in the last stage
DROPOUT = 0.0  # before the last layer
LOGIT_SCALE = 0.125  # small logits: the loss stays smooth at high learning rates
VIEWS = "flip"  # averaged in prediction: none, flip or shifts (by one pixel)


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.second(self.first(features))


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.CELU(0.3))


class Shrink(nn.Module):
    """Halve larger images until they are small; the stages would be too slow on them."""

    def forward(self, features: Tensor) -> Tensor:
        while min(features.shape[-2:]) > 48:
            features = functional.max_pool2d(features, 2)
        return features


class Head(nn.Module):
    """The maximum over the image, to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.dropout(features.amax((2, 3)))) * LOGIT_SCALE


def build_model(task: Task) -> nn.Module:
    layers: list[nn.Module] = [convolution(task.channels, WIDTH), Shrink()]
    channels = WIDTH
    for blocks in (BLOCKS, 0, BLOCKS):
        layers += [convolution(channels, 2 * channels), nn.MaxPool2d(2, ceil_mode=True)]
        channels *= 2
        layers += [Block(channels) for _ in range(blocks)]
    return nn.Sequential(*layers, Head(channels, task.num_classes))


def predict(model: nn.Module, images: Tensor) -> Tensor:
    return torch.stack([model(view).softmax(1) for view in views(images)]).mean(0).clamp(min=1e-9).log()


def views(images: Tensor) -> list[Tensor]:
    if VIEWS == "none":
        return [images]
    if VIEWS == "flip":
        return [images, images.flip(3)]
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    height, width = images.shape[-2:]
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return [padded[:, :, y : y + height, x : x + width] for y, x in places]
