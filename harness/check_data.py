"""What `check` asks of data.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from harness.blame import BrokenContractError
from harness.check_alike import altered
from harness.check_mix import check_targets_follow
from harness.randomness import seeded_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from harness.contract import ImageTransform, Task
    from harness.examples import Examples
    from harness.training_data import TrainingData

IMAGES = 8
"""Enough to meet images of several sizes; taken from all over the split."""
SEEDS = (1, 2, 3)
"""Of eval_transform: a small rotation of a small image often changes nothing; and of train_transform."""
LOST = 50.0
"""How many times less contrast is a mistake: to scale by 255 twice, say."""
APART = 4.0
"""How many times as wide, or half as many deviations off, training images may be as those that are evaluated."""


def check_transforms(data: TrainingData, task: Task) -> None:
    """Every image comes out of both transforms as finite floats in one shape, and twice the same for evaluation.

    Raises:
        BrokenContractError: it does not, or different images come out the same.
    """
    trained, held = _originals(data.train), _originals(data.tuning)
    train = _transformed(data.train.transform, trained, "train_transform")
    evaluated = _transformed(data.tuning.transform, held, "eval_transform")
    _check_channels_first(evaluated[0], task)
    shapes = {tuple(image.shape) for image in (*train, *evaluated)}
    if len(shapes) > 1:
        raise BrokenContractError(
            "data",
            f"every image must come out in one shape; train_transform gave {_shapes(train)}, "
            f"eval_transform gave {_shapes(evaluated)}",
        )
    for originals, images, name in ((trained, train, "train_transform"), (held, evaluated, "eval_transform")):
        if _alike(images) and not _alike(originals):
            raise BrokenContractError("data", f"{name} gives the same tensor for different images")
    for seed in SEEDS:
        again = _transformed(data.tuning.transform, held, "eval_transform", seed)
        if not all(torch.equal(*pair) for pair in zip(evaluated, again, strict=True)):
            raise BrokenContractError("data", "eval_transform must be deterministic; it gave two results for one image")


def repeats(examples: Examples) -> bool:
    """Whether the transform gives the same twice for one seed: one that has a generator of its own does not."""
    originals = _originals(examples)
    first, second = (_transformed(examples.transform, originals, "train_transform") for _ in range(2))
    return all(torch.equal(*pair) for pair in zip(first, second, strict=True))


def odd_values(data: TrainingData, batch: Tensor) -> Iterator[str]:
    """Warn where contrast is lost, or the values that are trained on are of another kind than those to be classified.

    `batch`: images as `train` sees them, those of `check_batch`.
    """
    originals = _originals(data.train)
    images = torch.stack(_transformed(data.tuning.transform, originals, "eval_transform")).float()
    mean, spread = float(images.mean()), float(images.std())
    contrast = float(torch.cat([image.flatten() for image in originals]).float().std()) / 255
    if spread * LOST < contrast:
        yield (
            f"data.py: eval_transform leaves a deviation of {spread:.2g} where the images have {contrast:.2g} of their "
            "full scale: are they scaled twice?"
        )
    seen, wide = float(batch.mean()), float(batch.std())
    if max(spread, wide) > APART * min(spread, wide) or abs(mean - seen) > APART / 2 * max(spread, wide):
        yield (
            f"data.py: eval_transform gives values of mean {mean:.2g} and deviation {spread:.2g}, but in training the "
            f"network sees {seen:.2g} and {wide:.2g}: normalize both alike"
        )


def odd_ways(data: TrainingData) -> Iterator[str]:
    """Warn where images are another way round in evaluation; asked where values are of one kind."""
    originals = _originals(data.train)
    evaluated = _transformed(data.tuning.transform, originals, "eval_transform")
    drawn = [_transformed(data.train.transform, originals, "train_transform", seed) for seed in SEEDS]
    if words := altered(originals, evaluated, drawn, data.tuning.transform):
        yield f"data.py: eval_transform gives images {words}, compared with what train_transform gives of the same"


def check_batch(data: TrainingData, task: Task, warn: Callable[[str], None]) -> tuple[Tensor, Tensor]:
    """A training batch as `train` will see it.

    Raises:
        BrokenContractError: `batch_transform` gives something else, or targets that are not those of the images.
    """
    images, labels = data.train.__getitems__(data.train.spread(IMAGES))
    images, labels = images.to(task.device), labels.to(task.device)
    if data.mix is None:
        return images, labels
    with seeded_aside(task.seed):
        mixed = data.mix(images.clone(), labels.clone())
    if not isinstance(mixed, tuple | list) or len(mixed) != 2:
        raise BrokenContractError("data", f"batch_transform must give (images, targets), not {type(mixed).__name__}")
    _check_images(mixed[0], "batch_transform", lead=1)
    _check_targets(mixed[1], mixed[0], task)
    if wrong := check_targets_follow(data.mix, images, task):
        warn(wrong)
    return mixed[0], mixed[1]


def _check_channels_first(image: Tensor, task: Task) -> None:
    if image.ndim == 3 and image.shape[0] != task.channels == image.shape[2]:
        raise BrokenContractError("data", f"eval_transform gave {tuple(image.shape)}: the channels must come first")


def _alike(images: list[Tensor]) -> bool:
    return all(image.shape == images[0].shape and torch.equal(image, images[0]) for image in images[1:])


def _originals(examples: Examples) -> list[Tensor]:
    return examples.originals(examples.spread(IMAGES))


def _transformed(transform: ImageTransform, originals: list[Tensor], name: str, seed: int = 0) -> list[Tensor]:
    with seeded_aside(seed):
        images = [transform(image.clone()) for image in originals]
    for image in images:
        _check_images(image, name, lead=0)
    return images


def _check_images(images: Any, name: str, *, lead: int) -> None:
    if not isinstance(images, torch.Tensor):
        raise BrokenContractError("data", f"{name} must give a float tensor, not {type(images).__name__}")
    if not images.is_floating_point():
        raise BrokenContractError("data", f"{name} must give a float tensor, not {images.dtype}")
    if images.ndim <= lead:
        raise BrokenContractError("data", f"{name} gave a tensor of shape {tuple(images.shape)}")
    if not bool(torch.isfinite(images).all()):
        raise BrokenContractError("data", f"{name} gave values that are not finite")


def _check_targets(targets: Any, images: Tensor, task: Task) -> None:
    if not isinstance(targets, torch.Tensor):
        raise BrokenContractError("data", f"batch_transform gave targets of type {type(targets).__name__}")
    hard = targets.dtype == torch.int64 and targets.shape == (len(images),)
    soft = targets.is_floating_point() and targets.shape == (len(images), task.num_classes)
    if not (hard or soft):
        raise BrokenContractError(
            "data",
            f"batch_transform must give targets int64 ({len(images)},) or float ({len(images)}, {task.num_classes}), "
            f"not {targets.dtype} {tuple(targets.shape)}",
        )


def _shapes(images: list[Tensor]) -> str:
    return " and ".join(sorted({str(tuple(image.shape)) for image in images}))
