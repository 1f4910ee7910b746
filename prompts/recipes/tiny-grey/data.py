"""Small images, augmented as whole batches on the device.

Shift, rotation, scaling and flip are one resampling of the batch. Small images stay at their own size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional
from torchvision.transforms import v2

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import BatchTransform, ImageTransform, Task

COMMON_SIDE = 32  # pixels; images of many sizes, or of more than 96 pixels, are resized to it
SHIFT = 0.1  # of the side, at most
ROTATE = 10.0  # degrees, at most
ZOOM = 0.1  # of the size, at most
FLIP = False  # left and right are the same thing
JITTER = 0.0  # brightness and contrast, of a standard deviation, at most
ERASE = 0.0  # side of an erased square, of the image's side
MIXUP = 0.0  # alpha of its Beta distribution; 0: off
CUTMIX = 0.0  # alpha of its Beta distribution; 0: off


def train_transform(task: Task) -> ImageTransform:
    return eval_transform(task)


def eval_transform(task: Task) -> ImageTransform:
    mean = torch.tensor(task.mean).view(-1, 1, 1)
    std = torch.tensor(task.std).clamp(min=1e-3).view(-1, 1, 1)
    fits = task.image_size is not None and max(task.image_size) <= 96
    resize = v2.Identity() if fits else v2.Resize((COMMON_SIDE, COMMON_SIDE), antialias=True)

    def transform(image: Tensor) -> Tensor:
        return (resize(image).float() / 255 - mean) / std

    return transform


def batch_transform(task: Task) -> BatchTransform:
    mixes = [v2.MixUp(alpha=MIXUP, num_classes=task.num_classes)] if MIXUP else []
    mixes += [v2.CutMix(alpha=CUTMIX, num_classes=task.num_classes)] if CUTMIX else []
    mix = v2.RandomChoice(mixes) if mixes else v2.Identity()

    def transform(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return mix(erase(jitter(warp(images))), labels)

    return transform


def uniform(images: Tensor, largest: float) -> Tensor:
    """One number of -largest .. largest for each image, (N,)."""
    return (torch.rand(len(images), device=images.device) * 2 - 1) * largest


def warp(images: Tensor) -> Tensor:
    """Shift, rotate, zoom and flip each image; what comes in at the edges is a reflection."""
    height, width = images.shape[-2:]
    angle = uniform(images, math.radians(ROTATE))
    zoom = torch.exp(uniform(images, math.log1p(ZOOM)))
    mirror = torch.where(uniform(images, 1) < 0, -1.0, 1.0) if FLIP else torch.ones_like(zoom)
    down, right = uniform(images, SHIFT) * height, uniform(images, SHIFT) * width
    if not ROTATE and not ZOOM:
        down, right = down.round(), right.round()  # whole pixels: nothing is blurred
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    rows = [cosine * mirror, -sine * height / width, right * 2 / width]
    rows += [sine * mirror * width / height, cosine, down * 2 / height]
    grid = functional.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def jitter(images: Tensor) -> Tensor:
    if not JITTER:
        return images
    contrast, brightness = (uniform(images, JITTER).view(-1, 1, 1, 1) for _ in range(2))
    return images * (1 + contrast) + brightness


def erase(images: Tensor) -> Tensor:
    """Set a square at a random place of each image to the mean (Cutout)."""
    if not ERASE:
        return images
    inside = torch.ones((), dtype=torch.bool, device=images.device)
    for axis, size in ((2, images.shape[2]), (3, images.shape[3])):
        shape = [-1 if dimension == axis else 1 for dimension in range(4)]
        centre = (torch.rand(len(images), device=images.device) * size).view(-1, 1, 1, 1)
        pixels = (torch.arange(size, device=images.device) + 0.5).view(shape)
        inside = inside & ((pixels - centre).abs() < ERASE * size / 2)
    return images.masked_fill(inside, 0.0)
