"""The phase `fit`: the component's `train` under the clock; weights come out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from harness.blame import BrokenContractError
from harness.clock import Clock, OutOfTime
from harness.loading import load_components, seeded
from harness.memory import peak_memory
from harness.network import build
from harness.rates import Rates
from harness.rival import Race
from harness.run import TrainingRun
from harness.threads import count_operations
from harness.training_data import open_training_data
from harness.weights import all_finite, save_weights

if TYPE_CHECKING:
    from harness.channel import Channel
    from harness.job import Job
    from harness.training_data import TrainingData


def fit(job: Job, channel: Channel, *, halvings: int) -> None:
    """Train, and leave the weights that count.

    Raises:
        BrokenContractError: nothing was saved, and the final weights are not finite.
    """
    task = job.task
    data, network, train = load_components(("data", "model", "train"), job.folders.components, channel, task.seed)
    examples = open_training_data(job, data, channel)
    channel.step("build the model", "model")
    model = build(network, task)
    _ = examples.train.seconds_per_image  # measured before the clock runs
    operations = count_operations(model, examples.tuning, task.device)
    channel.step("train", "train")
    clock = Clock(task.seconds)
    channel.train_begins()
    run = TrainingRun(
        job=job,
        data=examples,
        clock=clock,
        channel=channel,
        model=model,
        file=job.folders.trained,
        operations=operations,
        halvings=halvings,
        race=_race(job, examples),
    )
    model.train()
    rates = Rates()
    with rates.watched(), suppress(OutOfTime):
        seeded(task.seed, train.train, model, task, run)
        if task.device == "cuda":
            torch.cuda.synchronize()
    channel.train_ended(clock.why if clock.rang else "")
    for odd in filter(None, (rates.odd(), run.kept.odd(len(examples.tuning)))):
        channel.warn(odd)
    channel.facts(peak_memory=peak_memory(task.device))
    if run.pace.images:
        channel.facts(epoch_seconds=run.pace.seconds * len(examples.train) / run.pace.images)
    channel.step("keep the weights", "train")
    if not job.folders.trained.exists():
        if not all_finite(model):
            raise BrokenContractError("train", "train ended with weights that are not finite, and saved none before")
        save_weights(model, type(model), job.folders.trained)


def _race(job: Job, data: TrainingData) -> Race | None:
    """Against the rival, where there is one; accuracies on images that were trained on are not compared."""
    if not job.settings.rival or not data.held_out:
        return None
    counts = job.task.class_counts
    return Race(rival=job.settings.rival, images=len(data.tuning), chance=max(counts) / sum(counts))
