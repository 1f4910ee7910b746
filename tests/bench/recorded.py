"""Which held-out digits small networks have right: 14 settings, 8 seeds each. `python -m tests.bench.recorded` trains.

Trained on 200 of scikit-learn's 1,797 digits, so that they differ as pipelines do: 0.89 to 0.95 of the other 1,597
right. The seeds of a setting are trained at once, as groups of one network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATH = Path(__file__).parents[1] / "specimens" / "bench" / "right_digits.npz"
SEEDS, TRAIN, CLASSES, SIDE = 8, 200, 10, 8
HIDDEN = 64


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Of one pipeline."""

    width: int = 16
    epochs: int = 30
    rate: float = 0.01
    decay: float = 0.0
    shift: int = 0
    """Pixels to roll a batch by, at most, each way."""
    dropout: float = 0.0
    smoothing: float = 0.0
    noise: float = 0.0
    batch: int = 50
    convolution: bool = True


SETTINGS = (
    Setting(),
    Setting(width=8),
    Setting(width=32),
    Setting(epochs=15),
    Setting(epochs=60),
    Setting(rate=0.003),
    Setting(rate=0.03),
    Setting(decay=0.1),
    Setting(shift=1),
    Setting(dropout=0.3),
    Setting(smoothing=0.1),
    Setting(noise=0.2),
    Setting(batch=25),
    Setting(convolution=False),
)


def read_recorded() -> NDArray[np.bool_]:
    """Right or wrong: (settings, seeds, images)."""
    with np.load(PATH) as file:
        right: NDArray[np.bool_] = np.unpackbits(file["right"], axis=-1, count=int(file["images"])).astype(np.bool_)
    return right


def main() -> None:
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = torch.tensor(pixels[order].reshape(-1, SIDE, SIDE) / 16, dtype=torch.float32)
    truth = torch.tensor(labels[order])
    right = np.array([_fit(setting, images, truth) for setting in SETTINGS])
    for setting, seeds in zip(SETTINGS, right.mean(axis=-1), strict=True):
        print(f"{seeds.mean():.4f} +- {seeds.std(ddof=1):.4f} {setting}")
    np.savez_compressed(PATH, right=np.packbits(right, axis=-1), images=right.shape[-1])


def _fit(setting: Setting, images: torch.Tensor, labels: torch.Tensor) -> NDArray[np.bool_]:
    """Train all seeds, and say what each has right of the images not trained on."""
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    weights = _weights(setting.width, random)
    optimizer = torch.optim.AdamW(weights, lr=setting.rate, weight_decay=setting.decay)
    steps = setting.epochs * (TRAIN // setting.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, setting.rate, total_steps=steps, pct_start=0.1)
    for _ in range(setting.epochs):
        order = torch.stack([torch.randperm(TRAIN, generator=random) for _ in range(SEEDS)])
        for rows in torch.split(order, setting.batch, dim=1):
            logits = _forward(setting, weights, _augment(setting, images[rows], random), train=True)
            loss = functional.cross_entropy(
                logits.flatten(0, 1), labels[rows].flatten(), label_smoothing=setting.smoothing
            )
            optimizer.zero_grad()
            torch.autograd.backward(SEEDS * loss)  # the mean of each seed's own
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        logits = _forward(setting, weights, images[TRAIN:].expand(SEEDS, -1, -1, -1), train=False)
    right: NDArray[np.bool_] = (logits.argmax(dim=2) == labels[TRAIN:]).numpy()
    return right


def _weights(width: int, random: torch.Generator) -> list[torch.Tensor]:
    inside = width * (SIDE // 2) ** 2
    shapes = ((width, 1, 3, 3), (inside, HIDDEN), (HIDDEN, CLASSES))
    kernels = [
        torch.randn(SEEDS, *shape, generator=random) * (2 / fan) ** 0.5
        for shape, fan in zip(shapes, (9, inside, HIDDEN), strict=True)
    ]
    biases = [torch.zeros(SEEDS, width), torch.zeros(SEEDS, 1, HIDDEN), torch.zeros(SEEDS, 1, CLASSES)]
    return [weight.requires_grad_() for weight in (*kernels, *biases)]


def _augment(setting: Setting, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    if setting.shift:
        by = torch.randint(-setting.shift, setting.shift + 1, (2,), generator=random).tolist()
        images = torch.roll(images, by, (2, 3))
    return images + setting.noise * torch.randn(images.shape, generator=random) if setting.noise else images


def _forward(setting: Setting, weights: list[torch.Tensor], images: torch.Tensor, *, train: bool) -> torch.Tensor:
    """Logits (seeds, images, classes) of images (seeds, images, side, side)."""
    kernel, inner, outer, bias, inner_bias, outer_bias = weights
    if setting.convolution:
        drawn = functional.conv2d(images.transpose(0, 1), kernel.flatten(0, 1), bias.flatten(), padding=1, groups=SEEDS)
        pooled = functional.max_pool2d(drawn.relu(), 2)
        features = pooled.reshape(len(pooled), SEEDS, -1).transpose(0, 1)
    else:
        features = images.flatten(2).repeat(1, 1, setting.width // 4)
    features = functional.dropout(features, setting.dropout, train)
    features = functional.dropout(torch.baddbmm(inner_bias, features, inner).relu(), setting.dropout, train)
    return torch.baddbmm(outer_bias, features, outer)


if __name__ == "__main__":
    main()
