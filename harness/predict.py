"""The phase `predict`: images and weights to logits. train.py need not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.examples import without_labels
from harness.forward import batch_size_for
from harness.images import open_images
from harness.loader import Alike, load, workers_for
from harness.loading import load_components, seeded
from harness.network import build_trained, forward_of, give_logits
from harness.threads import count_operations, use_threads
from harness.weights import pretrained_skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from harness.channel import Channel
    from harness.contract import ImageTransform
    from harness.examples import Examples
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
    with pretrained_skipped():
        model = build_trained(component, task, job.folders.input / "weights.safetensors", channel)
    return Loaded(transform=transform, model=model, forward=forward_of(component, model, task))


def predict(job: Job, channel: Channel, *, halvings: int) -> None:  # noqa: ARG001 - halves by itself, see `in_parts`
    """Write the logits of all images, in their order."""
    task = job.task
    loaded = load_pipeline(job, channel)
    channel.step("open the images")
    images = open_images(job.folders.images, task.channels)
    channel.step("predict", "model")
    examples = without_labels(images, loaded.transform, one_size=task.image_size is not None)
    operations = count_operations(loaded.model, examples, task.device)
    size = batch_size_for(examples, task.device)
    use_threads(operations * size, job.settings.cpus)
    batches = _batches(examples, size, job)
    with job.folders.logits.open("wb") as file:
        give_logits(loaded.forward, batches, len(examples), task, lambda part: file.write(part.astype("<f4").tobytes()))


def _batches(examples: Examples, size: int, job: Job) -> Iterable[tuple[Tensor, Tensor]]:
    workers = workers_for(examples, size, job.settings.workers)
    orders = Alike(len(examples), size)
    return load(examples, orders, workers, again=False, pinned=job.task.device == "cuda")
