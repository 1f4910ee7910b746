"""What a job trains on: the training and the tuning images, as the data component wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.blame import BrokenContractError
from harness.examples import Examples
from harness.images import open_images
from harness.loading import seeded
from harness.splits import tuning_indices

if TYPE_CHECKING:
    from types import ModuleType

    from torch import Tensor

    from harness.channel import Channel
    from harness.contract import BatchTransform, Task
    from harness.job import Job


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    train: Examples
    """Training images, through `train_transform`."""
    tuning: Examples
    """Tuning images, through `eval_transform`."""
    held_out: bool
    """Whether the tuning images are others than those that are trained on."""
    weights: Tensor | None
    """Of `sample_weights`."""
    mix: BatchTransform | None
    """Of `batch_transform`."""


def open_training_data(job: Job, data: ModuleType, channel: Channel) -> TrainingData:
    """Open the images and make the transforms.

    Raises:
        BrokenContractError: `sample_weights` gave no weights, `batch_transform` no function.
    """
    task = job.task
    channel.step("open the images")
    images = open_images(job.folders.train, task.channels)
    labels = np.load(job.folders.train / "labels.npy", allow_pickle=False).astype(np.int64)
    tuning, every = tuning_indices(labels, task.num_classes), np.arange(len(labels))
    held_out = job.settings.hold_out and len(tuning) > 0
    kept = np.setdiff1d(every, tuning) if held_out else every
    if not held_out:
        why = "too few training images for a tuning split" if job.settings.hold_out else "nothing is held out"
        channel.warn(f"{why}: run.validate looks at training images")
    channel.step("make the transforms", "data", quick=True)
    one_size = task.image_size is not None
    train = seeded(task.seed, data.train_transform, task)
    evaluate = seeded(task.seed, data.eval_transform, task)
    return TrainingData(
        train=Examples(images, kept, labels, train, one_size=one_size),
        tuning=Examples(images, tuning if len(tuning) else every, labels, evaluate, one_size=one_size),
        held_out=held_out,
        weights=_sample_weights(job, data, torch.from_numpy(labels[kept])),
        mix=_batch_transform(task, data),
    )


def _batch_transform(task: Task, data: ModuleType) -> BatchTransform | None:
    if not hasattr(data, "batch_transform"):
        return None
    transform: BatchTransform = seeded(task.seed, data.batch_transform, task)
    if not callable(transform):
        raise BrokenContractError("data", f"batch_transform must give a function, not {type(transform).__name__}")
    return transform


def _sample_weights(job: Job, data: ModuleType, labels: Tensor) -> Tensor | None:
    if not hasattr(data, "sample_weights"):
        return None
    weights = seeded(job.task.seed, data.sample_weights, job.task, labels.clone())
    if not isinstance(weights, torch.Tensor) or weights.shape != labels.shape:
        raise BrokenContractError("data", f"sample_weights must give a float tensor of shape ({len(labels)},)")
    weights = weights.detach().cpu().double()
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()) or float(weights.sum()) <= 0:
        raise BrokenContractError("data", "sample_weights must be finite, not negative, and not all zero")
    drawn = torch.zeros(job.task.num_classes, dtype=torch.float64).index_add_(0, labels, weights)
    never = [label for label in sorted(set(labels.tolist())) if drawn[label] == 0]
    if never:
        raise BrokenContractError("data", f"sample_weights never draws an image of {len(never)} classes: {never[:5]}")
    return weights
