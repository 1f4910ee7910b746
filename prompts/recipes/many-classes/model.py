"""A wide residual network (Zagoruyko & Komodakis 2016), normalization first: capacity for many classes.

For images up to about 96 pixels; larger ones are halved after the first layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import Task

WIDTH = 4  # times 16 channels in the first stage; the other two have 2 and 4 times as many
BLOCKS = 2  # in each of three stages: WRN-16 has 2, WRN-28 has 4
DROPOUT = 0.1  # inside the blocks
FLIP_VIEWS = True  # predictions are averaged over the image and its mirror image


class Block(nn.Module):
    """Normalize, then convolve, twice; the way around is a convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.around = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, features: Tensor) -> Tensor:
        normal = functional.relu(self.first_norm(features), inplace=True)
        branch = functional.relu(self.second_norm(self.first(normal)), inplace=True)
        branch = self.second(functional.dropout(branch, DROPOUT, self.training))
        return branch + (self.around(normal) if self.around else features)


class Shrink(nn.Module):
    """Halve larger images until they are small; the stages would be too slow on them."""

    def forward(self, features: Tensor) -> Tensor:
        while min(features.shape[-2:]) > 48:
            features = functional.max_pool2d(features, 2)
        return features


def build_model(task: Task) -> nn.Module:
    channels = 16
    layers: list[nn.Module] = [nn.Conv2d(task.channels, channels, 3, padding=1, bias=False), Shrink()]
    for stage in range(3):
        outputs = 16 * WIDTH * 2**stage
        for block in range(BLOCKS):
            layers.append(Block(channels, outputs, 2 if stage and not block else 1))
            channels = outputs
    layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(channels, task.num_classes))
    model.apply(initialize)
    return model


def initialize(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        nn.init.zeros_(layer.bias)


def predict(model: nn.Module, images: Tensor) -> Tensor:
    return model(images) + model(images.flip(3)) if FLIP_VIEWS else model(images)
