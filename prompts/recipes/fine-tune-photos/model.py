"""A network of timm with a new last layer, pretrained where its name has a tag.

Images arrive standardized by the dataset's own mean and deviation, at any size; a hook brings them to what the network
was pretrained on: its size, its three channels, its mean and deviation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from harness.contract import Task

BACKBONE = "first"  # an exact timm name; without a tag: random weights; first: the first of task.weights
RESOLUTION = 224  # side in pixels that the network sees
DROPOUT = 0.0  # before the last layer
DROP_PATH = 0.1  # share of the residual branches that are skipped
FLIP_VIEWS = True  # predictions are averaged over the image and its mirror image


def build_model(task: Task) -> nn.Module:
    name = task.weights[0] if BACKBONE == "first" else BACKBONE
    expected = timm.get_pretrained_cfg(name)
    sized = {"img_size": RESOLUTION} if expected.fixed_input_size else {}  # ViT, Swin: position embeddings are resized
    model = timm.create_model(
        name,
        pretrained="." in name,
        num_classes=task.num_classes,
        drop_rate=DROPOUT,
        drop_path_rate=DROP_PATH,
        **sized,
    )
    torch.nn.init.normal_(
        model.get_classifier().weight, std=0.01
    )  # EfficientNet's own is far too large for few classes
    model.register_forward_pre_hook(adapter(task, expected.mean, expected.std))
    return model


def adapter(
    task: Task, mean: tuple[float, ...], std: tuple[float, ...]
) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
    own_mean, own_std = (torch.tensor(values).view(1, -1, 1, 1) for values in (task.mean, task.std))
    new_mean, new_std = (torch.tensor(values).view(1, -1, 1, 1) for values in (mean, std))
    scale, shift = own_std.clamp(min=1e-3) / new_std, (own_mean - new_mean) / new_std

    def adapt(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        (images,) = inputs
        if images.shape[-2:] != (RESOLUTION, RESOLUTION):
            images = functional.interpolate(images, (RESOLUTION, RESOLUTION), mode="bicubic", antialias=True)
        images = images * scale.to(images) + shift.to(images)
        return (images.contiguous(memory_format=torch.channels_last),)

    return adapt


def predict(model: nn.Module, images: Tensor) -> Tensor:
    return model(images) + model(images.flip(3)) if FLIP_VIEWS else model(images)
