"""What `check` asks of `batch_transform`: whose label an image gets.

Nothing is supposed of what it does to pixels. An image is replaced and its label is another: where a target changes,
the pixels beside it should change, too, or the target is of an image that is not there. Erasing may have hidden them,
so what happens more often than not counts, in several draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import one_hot

from harness.blame import BrokenContractError
from harness.randomness import seed_all, seeded_aside

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from torch import Tensor

    from harness.contract import Task

    Draw: TypeAlias = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]
    """Images and labels, with a seed, to images and soft targets."""

DRAWS = 3
NOTICEABLE = 1e-3
"""Of a target."""


def check_targets_follow(mixed: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], images: Tensor, task: Task) -> str:
    """Try a `batch_transform` on labels of our own; return a warning, or an empty text.

    Raises:
        BrokenContractError: targets are not those of the images.
    """

    def draw(images: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        with seeded_aside(seed), torch.random.fork_rng(range(torch.cuda.device_count())):
            seed_all(seed)
            images, targets = mixed(images.clone(), labels.clone())
        return images, targets if targets.ndim == 2 else one_hot(targets, task.num_classes).float()

    wrong = _named_wrongly(draw, images, task)
    if wrong > 1 / 2:
        raise BrokenContractError("data", "batch_transform gives another class than that of the only class in a batch")
    own, others = _labels_without_pixels(draw, images, task)
    if max(own, others) > 1 / 2:
        raise BrokenContractError(
            "data",
            "batch_transform gives an image the label of another one, of which it holds no pixel: "
            "reorder or mix images and labels alike",
        )
    return f"data.py: batch_transform gives {wrong:.0%} of the images a class that is not theirs" if wrong else ""


def _named_wrongly(draw: Draw, images: Tensor, task: Task) -> float:
    """The share of targets that name another class where the whole batch is of one, of the worse of two classes."""
    shares = []
    for label in (0, task.num_classes - 1):
        labels = torch.full((len(images),), label, device=images.device)
        shares.append(float((draw(images, labels, task.seed)[1].argmax(dim=1) != label).float().mean()))
    return max(shares)


def _labels_without_pixels(draw: Draw, images: Tensor, task: Task) -> tuple[float, float]:
    """Of the labels that images are given, the share of which they hold no pixel: of their own, and of others'."""
    labels = torch.arange(len(images), device=images.device) % task.num_classes
    given, lacking = [], []
    for seed in range(task.seed, task.seed + DRAWS):
        before, targets = draw(images, labels, seed)
        for place in range(len(images)):
            other, relabelled = images.clone(), labels.clone()
            other[place] = torch.rand_like(other[place])
            relabelled[place] = (labels[place] + 1) % task.num_classes
            after, now = draw(other, relabelled, seed)
            label = (now - targets).abs().amax(dim=1) > NOTICEABLE
            pixels = (after != before).flatten(1).any(dim=1)
            given.append(label)
            lacking.append(label & ~pixels)
    of_each = torch.stack(given).view(DRAWS, len(images), -1), torch.stack(lacking).view(DRAWS, len(images), -1)
    all_given, all_lacking = (each.sum(dim=0) for each in of_each)
    own = all_lacking.diagonal().sum() / all_given.diagonal().sum().clamp(min=1)
    rest = (all_given.sum() - all_given.diagonal().sum()).clamp(min=1)
    return float(own), float((all_lacking.sum() - all_lacking.diagonal().sum()) / rest)
