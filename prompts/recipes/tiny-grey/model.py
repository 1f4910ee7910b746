"""A small residual network for small images: full resolution first, then half of it at each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import Task

WIDTH = 24  # channels of the first stage; each stage doubles them
BLOCKS = 1  # residual blocks in each stage
DROPOUT = 0.1  # before the last layer
VIEWS = "shifts"  # averaged in prediction: none, shifts (by one pixel) or flip


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.second(self.first(features))


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Shrink(nn.Module):
    """Halve larger images until they are small; the stages would be too slow on them."""

    def forward(self, features: Tensor) -> Tensor:
        while min(features.shape[-2:]) > 48:
            features = functional.max_pool2d(features, 2)
        return features


class Head(nn.Module):
    """Mean and maximum over the image, to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(2 * channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        return self.linear(self.dropout(pooled))


def build_model(task: Task) -> nn.Module:
    side = min(task.image_size) if task.image_size else 32
    channels = WIDTH
    layers: list[nn.Module] = [convolution(task.channels, channels), Shrink()]
    layers += [Block(channels) for _ in range(BLOCKS)]
    for _ in range(2 if side < 12 else 3):
        layers += [convolution(channels, 2 * channels), nn.MaxPool2d(2, ceil_mode=True)]
        channels *= 2
        layers += [Block(channels) for _ in range(BLOCKS)]
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
