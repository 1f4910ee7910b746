"""The phase `check`: everything that will be asked of the components, once, on eight images, in seconds.

Each step knows whose fault it is, and the order is the blame: what data.py gives is checked before the network sees it,
and the network before `train` does.
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from harness.batches import Sliver
from harness.blame import BrokenContractError
from harness.check_backbone import check_backbone
from harness.check_data import IMAGES, check_batch, check_transforms, odd_values, odd_ways, repeats
from harness.check_network import (
    CLOSE,
    check_gradients,
    check_registered,
    check_rows,
    first_logits,
    refuse_probabilities,
)
from harness.check_step import Lesson
from harness.check_training import Watch
from harness.clock import Clock, OutOfTime
from harness.loading import load_components, seeded
from harness.memory import peak_memory
from harness.network import NotFiniteError, build, forward_of
from harness.run import TrainingRun
from harness.threads import count_operations
from harness.training_data import open_training_data
from harness.weights import all_finite, load_weights, save_weights

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from torch import Tensor, nn

    from harness.channel import Channel
    from harness.contract import Task
    from harness.job import Job
    from harness.training_data import TrainingData

SLOW_STEP = 2.0
"""Seconds. Where a step would take longer on a CPU, `train` gets smaller batches; a GPU always gets whole ones."""
SAVED = "check.safetensors"
NOT_REPEATABLE = (
    "train_transform gave two results for one image and one seed, so equal seeds will not give equal results: "
    "draw from the global generators of random, numpy and torch, and keep no state"
)


def check(job: Job, channel: Channel, *, halvings: int) -> None:
    """Try the components.

    Raises:
        BrokenContractError: one is, or gives, something else than the contract says.
    """
    task, saved = job.task, job.folders.out / SAVED
    data, network, train = load_components(("data", "model", "train"), job.folders.components, channel, task.seed)
    examples = open_training_data(job, data, channel)
    batch = _transform(examples, task, channel)
    model, operations = _build(network, examples, task, channel)
    channel.step("forward and backward", "model")
    seconds, watch = _step(model, *batch, task)
    channel.step("train, beside its steps", "train", quick=True)
    lesson = Lesson(model)
    run = TrainingRun(
        job=job,
        data=examples,
        clock=Clock(task.seconds),
        channel=channel,
        model=model,
        file=saved,
        operations=operations,
        halvings=halvings,
        sliver=Sliver(_images(seconds, task), watch.changed, lesson),
    )
    _train(train, model, task, run)
    if odd := lesson.odd():
        channel.warn(odd)
    channel.facts(epoch_seconds=_epoch_seconds(run, examples, job.settings.workers))
    for odd in watch.check(_load(network, task, saved, watch, channel), task):
        channel.warn(odd)
    _predict_twice(network, model, examples, job, channel)
    channel.facts(peak_memory=peak_memory(task.device))


def _transform(examples: TrainingData, task: Task, channel: Channel) -> tuple[Tensor, Tensor]:
    """Images of a batch, and their targets, as the network will get them."""
    channel.step("transform eight images", "data", quick=True)
    check_transforms(examples, task)
    if not repeats(examples.train):
        channel.warn(NOT_REPEATABLE)
    channel.step("transform a batch", "data", quick=True)
    images, targets = check_batch(examples, task, channel.warn)
    for odd in list(odd_values(examples, images)) or odd_ways(examples):
        channel.warn(odd)
    return images, targets


def _build(network: ModuleType, examples: TrainingData, task: Task, channel: Channel) -> tuple[nn.Module, float]:
    """Build the network, and count the operations of an image."""
    channel.step("build the model", "model")
    model = build(network, task)
    check_registered(model)
    check_backbone(model, task.backbone)
    channel.facts(
        parameters=sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        frozen=sum(weight.numel() for weight in model.parameters() if not weight.requires_grad),
    )
    channel.step("forward two images", "model", quick=True)
    return model, count_operations(model, examples.tuning, task.device)


def _step(model: nn.Module, images: Tensor, targets: Tensor, task: Task) -> tuple[float, Watch]:
    """Do one forward and backward; the seconds that it took, and who watches the network from now on."""
    began = perf_counter()
    model.train()
    logits = first_logits(model, images, task)
    torch.autograd.backward(cross_entropy(logits.float(), targets))
    seconds = perf_counter() - began
    check_gradients(model, logits)
    watch = Watch(model)
    model.zero_grad(set_to_none=True)
    return seconds, watch


def _images(step_seconds: float, task: Task) -> int:
    """How many images a batch of the check may have."""
    return task.train_size if task.device == "cuda" else max(2, int(SLOW_STEP / step_seconds * IMAGES))


def _train(train: ModuleType, model: nn.Module, task: Task, run: TrainingRun) -> None:
    model.train()
    with suppress(OutOfTime):
        seeded(task.seed, train.train, model, task, run)
    if run.pace.epochs == 0:
        why = f"its clock of {task.seconds:g} s was over before train asked for a batch" if run.clock.rang else ""
        raise BrokenContractError("train", why or "train ended without asking for a batch")
    if not all_finite(model):
        raise BrokenContractError("train", "the weights are not finite after the first steps of train")


def _epoch_seconds(run: TrainingRun, examples: TrainingData, workers: int) -> float:
    """Expect this of an epoch; loader processes work beside the network, but on a CPU they share its cores."""
    load = examples.train.seconds_per_image / max(1, workers)
    return (run.pace.seconds_per_image + load) * len(examples.train)


def _load(network: ModuleType, task: Task, saved: Path, watch: Watch, channel: Channel) -> nn.Module | None:
    """Load what `train` saved into a network that is built anew; None: it saved nothing, and is not bound to."""
    if not saved.exists():
        return None
    channel.step("load what train saved", "train")
    kept = build(network, task)
    watch.require_alike(kept)
    load_weights(kept, saved)
    return kept


def _predict_twice(network: ModuleType, model: nn.Module, examples: TrainingData, job: Job, channel: Channel) -> None:
    """Predict with the network that `train` had, and with one that is built anew with its weights."""
    task, file = job.task, job.folders.out / SAVED
    channel.step("predict", "model")
    images, _ = examples.tuning.__getitems__(examples.tuning.spread(IMAGES))
    alone, logits = _predict_trained(network, model, images.to(task.device), task)
    channel.step("save and load the weights", "model")
    save_weights(model, type(model), file)
    again = build(network, task)
    load_weights(again, file)
    _check_same(logits, _predict(network, again, images.to(task.device), task)[1])
    file.unlink()
    refuse_probabilities(logits, "the prediction")
    if odd := check_rows(images, alone, logits):
        channel.warn(odd)


def _predict(network: ModuleType, model: nn.Module, images: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """Logits of one image alone, as the last batch of a split may hold it, and of all; the seed should not matter."""
    model.eval()
    forward = forward_of(network, model, task)
    with torch.inference_mode():
        return seeded(task.seed + 1, forward, images[:1]), seeded(task.seed, forward, images)


def _predict_trained(network: ModuleType, model: nn.Module, images: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """The same, by a network that `train` had.

    Raises:
        BrokenContractError: logits are not finite, and it is the fault of `train`, where they are without it.
    """
    try:
        return _predict(network, model, images, task)
    except NotFiniteError as error:
        _predict(network, build(network, task), images, task)
        raise BrokenContractError(
            "train", f"after the first steps of train {error}; before them they were: is the rate far too large?"
        ) from None


def _check_same(logits: Tensor, again: Tensor) -> None:
    difference = float((logits - again).abs().max() / logits.abs().max().clamp(min=1.0))
    if difference > CLOSE:
        raise BrokenContractError(
            "model",
            f"a network built anew with the saved weights gave other logits (by {difference:.2g}): "
            "all that matters must be in parameters and buffers",
        )
