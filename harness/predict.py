"""The phase `predict`: images and weights to logits. train.py need not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.examples import Examples
from harness.forward import batch_size_for, outputs
from harness.images import open_images
from harness.loader import Alike, load, workers_for
from harness.loading import load_components, seeded
from harness.network import build, forward_of
from harness.randomness import seed_all
from harness.threads import count_operations, use_threads
from harness.weights import load_weights, skip_pretrained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from harness.channel import Channel
    from harness.contract import ImageTransform
    from harness.job import Job


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A trained pipeline, ready to predict."""

    transform: ImageTransform
    model: nn.Module
    forward: Callable[[Tensor], Tensor]
    """Images to logits, which are checked."""


def load_pipeline(job: Job, channel: Channel) -> Loaded:
    """Load data.py and model.py with the weights of the input folder."""
    task = job.task
    data, component = load_components(("data", "model"), job.folders.components, channel, task.seed)
    channel.step("make the transforms", "data")
    transform = seeded(task.seed, data.eval_transform, task)
    channel.step("build the model", "model")
    skip_pretrained()
    model = build(component, task)
    channel.step("load the weights", "model")
    load_weights(model, job.folders.input / "weights.safetensors")
    return Loaded(transform=transform, model=model.eval(), forward=forward_of(component, model, task))


def predict(job: Job, channel: Channel, *, halvings: int) -> None:  # noqa: ARG001 - halves by itself, see `in_parts`
    """Write the logits of all images, in their order."""
    task = job.task
    loaded = load_pipeline(job, channel)
    channel.step("open the images")
    images = open_images(job.folders.images, task.channels)
    channel.step("predict", "model")
    examples = Examples(
        images,
        np.arange(len(images)),
        np.zeros(len(images), dtype=np.int64),
        loaded.transform,
        one_size=task.image_size is not None,
    )
    operations = count_operations(loaded.model, examples, task.device)
    size = batch_size_for(examples, task.device)
    use_threads(operations * size, job.settings.cpus)
    batches, left = _batches(examples, size, job), len(examples)
    with torch.inference_mode(), job.folders.logits.open("wb") as file:
        seed_all(task.seed)
        for logits, _ in outputs(loaded.forward, batches, task.device):
            wanted = logits[:left].float().cpu().numpy()
            file.write(wanted.astype("<f4").tobytes())
            left -= len(wanted)


def _batches(examples: Examples, size: int, job: Job) -> Iterable[tuple[Tensor, Tensor]]:
    workers = workers_for(examples, size, job.settings.workers)
    orders = Alike(len(examples), size)
    return load(examples, orders, workers, again=False, pinned=job.task.device == "cuda")
