"""The harness's side of training: what `train` gets as `run`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from harness.batches import Pace, Sliver, TrainingBatches
from harness.forward import batch_size_for, outputs
from harness.kept import Kept
from harness.loader import InOrder, Shuffle, load, workers_for
from harness.report import finite
from harness.threads import use_threads
from harness.weights import all_finite, save_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from torch import Tensor, nn

    from harness.channel import Channel
    from harness.clock import Clock
    from harness.job import Job
    from harness.rival import Race
    from harness.training_data import TrainingData

KEPT_BYTES = 256 << 20
"""Tuning images that take less memory, transformed, are transformed once and kept."""
METRICS = 24
"""Of one `run.log`; more are left out."""


@dataclass(kw_only=True, eq=False)
class TrainingRun:
    """`contract.Run`."""

    job: Job
    data: TrainingData
    clock: Clock
    channel: Channel
    model: nn.Module
    """As `build_model` gave it."""
    file: Path
    """Where weights are kept."""
    operations: float
    """Of a forward, an image."""
    halvings: int = 0
    sliver: Sliver | None = None
    race: Race | None = None
    """Against the best run so far: the hopeless end early."""
    pace: Pace = field(default_factory=Pace)
    kept: Kept = field(default_factory=Kept)
    _began: float = field(default_factory=perf_counter)
    _epochs: Iterator[int] = field(default_factory=count)
    _batches: dict[int, TrainingBatches] = field(default_factory=dict)
    _tuning: Iterable[tuple[Tensor, Tensor]] | None = None
    _tuning_accuracy: dict[str, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def batches(self, batch_size: int) -> TrainingBatches:
        size = max(1, int(batch_size) >> self.halvings)
        use_threads(self.operations * size, self.job.settings.cpus)
        if size not in self._batches:
            self._batches[size] = self._make_batches(size)
        return self._batches[size]

    def validate(self, model: nn.Module) -> float:
        with self._at_work("validate"):
            return self._validate(model)

    def _validate(self, model: nn.Module) -> float:
        if self.sliver is None:
            self.clock.check()
        if self._tuning is None:
            self._tuning = self._tuning_batches()
        was_training = model.training
        model.eval()
        try:
            accuracy = self._accuracy(model, self._tuning)
        finally:
            model.train(was_training)
        self._tuning_accuracy = {"tuning_accuracy": accuracy}
        self.kept.validated(model, self._moment(), accuracy)
        if self.race:
            self._race(self.race, accuracy)
        return accuracy

    def log(self, **metrics: float) -> None:
        given = finite({name: _plain(value) for name, value in metrics.items()})
        ours = {"epoch": self.pace.epochs, "seconds": self._seconds()}
        ours |= {"seconds_left": self.clock.left()} | self._tuning_accuracy
        if self.pace.seconds > 0:
            ours["images_per_second"] = self.pace.images / self.pace.seconds
        if self.sliver is None:
            self.channel.point(dict(list(given.items())[:METRICS]) | ours)

    def save(self, model: nn.Module) -> None:
        if not all_finite(model):
            self._warn("train.py: run.save got weights that are not all finite; they were not kept")
            return
        with self._at_work("save"):
            save_weights(model, type(self.model), self.file)
        self.kept.saved(model, self._moment())

    def seconds_left(self) -> float:
        return self.clock.left()

    @contextmanager
    def _at_work(self, text: str) -> Iterator[None]:
        """In the check, give the network its time; what `train` does besides should take none."""
        before = self.channel.current
        if self.sliver:
            self.channel.step(text, "train")
        yield
        if self.sliver:
            self.channel.step(before.text, before.owner, quick=before.quick)

    def _warn(self, text: str) -> None:
        """Say it once."""
        if text not in self._told:
            self._told.add(text)
            self.channel.warn(text)

    def _moment(self) -> tuple[int, int]:
        """Another one after each batch."""
        return self.pace.epochs, self.pace.images

    def _seconds(self) -> float:
        return perf_counter() - self._began

    def _tell_pace(self) -> None:
        if self.sliver is None:
            rate = self.pace.images / self.pace.seconds
            left = self.clock.left()
            self.channel.pace(
                epoch=self.pace.epochs, images=self.pace.images, images_per_second=rate, seconds_left=left
            )

    def _race(self, race: Race, accuracy: float) -> None:
        """End `train` where it is hopeless, as if its clock had rung."""
        seconds = self._seconds()
        behind = race.behind(seconds, accuracy, seconds + self.clock.left())
        if behind:
            self._tuning_accuracy = {"tuning_accuracy": behind.ours}
            self.log(rival_accuracy=behind.theirs)
            self.channel.warn(str(behind))
            self.clock.stop("hopeless")
            self.clock.check()

    def _make_batches(self, size: int) -> TrainingBatches:
        data, task = self.data, self.job.task
        length = max(1, len(data.train) // size)
        if self.sliver:
            size = min(size, self.sliver.images)
        workers = 0 if self.sliver else workers_for(data.train, size, self.job.settings.workers)
        orders = Shuffle(len(data.train), size, task.seed, self._epochs, data.weights)
        return TrainingBatches(
            loaded=load(data.train, orders, workers, again=True, pinned=task.device == "cuda"),
            length=length,
            mix=data.mix,
            device=task.device,
            clock=self.clock,
            pace=self.pace,
            tell_pace=self._tell_pace,
            model=self.model,
            warn=self._warn,
            at_work=self._at_work,
            sliver=self.sliver,
        )

    def _tuning_batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        tuning, device = self.data.tuning, self.job.task.device
        size = batch_size_for(tuning, device)
        if self.sliver:
            images = min(len(tuning), self.sliver.images, 2 * size)
            return load(tuning, InOrder(images, size), 0, again=True, pinned=False)
        workers = workers_for(tuning, size, self.job.settings.workers)
        batches = load(tuning, InOrder(len(tuning), size), workers, again=False, pinned=device == "cuda")
        image, _ = tuning.__getitems__(tuning.spread(1))
        return list(batches) if image.nbytes * len(tuning) < KEPT_BYTES else batches

    @torch.no_grad()
    def _accuracy(self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        """Counted on the device: no batch waits for the one before. No inference mode: `model` trains on."""
        right, images = torch.zeros((), dtype=torch.int64, device=self.job.task.device), 0
        for logits, labels in outputs(model, batches, self.job.task.device):
            if self.sliver is None:
                self.clock.check()
            right += (logits.argmax(dim=1) == labels).sum()
            images += len(labels)
        return int(right) / images


def _plain(metric: Tensor | float) -> Tensor | float:
    """A loss that still hangs on its graph would warn when it becomes a float."""
    return metric.detach() if isinstance(metric, torch.Tensor) else metric
