"""What `check` asks of `batch_transform`: whose label an image gets.

Nothing is supposed of what it does to pixels. An image is replaced and its label is another: where a target changes,
the pixels beside it should change, too, or the target is of an image that is not there. Erasing may have hidden them,
so what happens more often than not counts, in several draws. Nor should an image be named for another one than that of
which it holds most.
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
CLEAR = 0.2
"""By how much of a target an image is named for one image rather than for any other."""


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
    labels, pixels = _influence(draw, images, task)
    if max(_labels_without_pixels(labels, pixels)) > 1 / 2:
        raise BrokenContractError(
            "data",
            "batch_transform gives an image the label of another one, of which it holds no pixel: "
            "reorder or mix images and labels alike",
        )
    if wrong:
        return f"data.py: batch_transform gives {wrong:.0%} of the images a class that is not theirs"
    if _named_for_less(labels, pixels) > 1 / 2:
        return (
            "data.py: batch_transform names most images for an image of which they hold less than of another: "
            "mix labels in the proportions in which images are mixed"
        )
    return ""


def _named_wrongly(draw: Draw, images: Tensor, task: Task) -> float:
    """The share of targets that name another class where the whole batch is of one, of the worse of two classes."""
    shares = []
    for label in (0, task.num_classes - 1):
        labels = torch.full((len(images),), label, device=images.device)
        shares.append(float((draw(images, labels, task.seed)[1].argmax(dim=1) != label).float().mean()))
    return max(shares)


def _influence(draw: Draw, images: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """How much of its label, and of its pixels, each image has of each that went in: (draws, in, out)."""
    named = torch.arange(len(images), device=images.device) % task.num_classes
    labels, pixels = [], []
    for seed in range(task.seed, task.seed + DRAWS):
        before, targets = draw(images, named, seed)
        for place in range(len(images)):
            other, relabelled = images.clone(), named.clone()
            other[place] = torch.rand_like(other[place])
            relabelled[place] = (named[place] + 1) % task.num_classes
            after, now = draw(other, relabelled, seed)
            labels.append((now - targets).abs().amax(dim=1))
            changed = (other[place] - images[place]).abs().mean()
            pixels.append((after - before).abs().flatten(1).mean(dim=1) / changed)
    shape = DRAWS, len(images), len(images)
    return torch.stack(labels).view(shape), torch.stack(pixels).view(shape)


def _labels_without_pixels(labels: Tensor, pixels: Tensor) -> tuple[float, float]:
    """Of the labels that images are given, the share of which they hold no pixel: of their own, and of others'."""
    given = (labels > NOTICEABLE).sum(dim=0)
    lacking = ((labels > NOTICEABLE) & (pixels == 0)).sum(dim=0)
    own = lacking.diagonal().sum() / given.diagonal().sum().clamp(min=1)
    rest = (given.sum() - given.diagonal().sum()).clamp(min=1)
    return float(own), float((lacking.sum() - lacking.diagonal().sum()) / rest)


def _named_for_less(labels: Tensor, pixels: Tensor) -> float:
    """The share of images that are clearly named for one image and hold more of another; in the best of the draws."""
    if labels.shape[1] < 2:
        return 0.0
    most, of = labels.topk(2, dim=1)
    clear = most[:, 0] - most[:, 1] > CLEAR
    other = (pixels.argmax(dim=1) != of[:, 0]) & (pixels.amax(dim=1) > 0)
    return float((clear & other).float().mean(dim=1).min())
