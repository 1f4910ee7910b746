"""What `run.batches` gives: epochs of training batches on the device, under the clock of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from harness.blame import BrokenContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from harness.check_step import Lesson
    from harness.clock import Clock
    from harness.contract import BatchTransform

STEPS = 2
"""Of `train` in the check: the first is slow for reasons of its own; the second says how long an epoch takes."""
MOST_STEPS = 16
"""As many where no weight has changed by then; some add up the gradients of several batches."""
EVAL_MODE = (
    "train.py: all steps of an epoch were made in eval mode, in which dropout is off and batch norm does not learn: "
    "call model.train() before them"
)


@dataclass(frozen=True)
class Sliver:
    """What `check` lets `train` see: the first batches of one epoch, made of fewer images where the network is slow."""

    images: int
    changed: Callable[[], bool]
    """Whether a weight of the network is another than before."""
    lesson: Lesson
    """Looks at what each step does to the network."""

    def of(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        for number, batch in enumerate(batches, start=1):
            yield batch
            if number == MOST_STEPS or (number >= STEPS and self.changed()):
                break


TOLD_SECONDS = 10.0
"""How often the pace is told within an epoch, which may take hours."""


class Pace:
    """How fast an epoch goes by."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self.epochs = 0
        """Begun so far."""
        self.images = 0
        """Of the epoch that began last."""
        self.seconds = 0.0
        """That it took up to its latest batch."""
        self.seconds_per_image = 0.0
        """That `train` took over its latest batch, loading not included."""
        self._began = 0.0
        self._clock = clock
        self._told = clock()

    def due(self) -> bool:
        """Whether to tell it again; asked once a batch, and then it is not for a while."""
        now = self._clock()
        due = now - self._told > TOLD_SECONDS
        self._told = now if due else self._told
        return due

    def begin(self) -> None:
        self.epochs += 1
        self.images = 0
        self._began = self._clock()

    def count(self, images: int, handed_out: float) -> None:
        self.images += images
        now = self._clock()
        self.seconds, self.seconds_per_image = now - self._began, (now - handed_out) / images


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingBatches:
    """`contract.Batches`: each `for` over it is one epoch."""

    loaded: Iterable[tuple[Tensor, Tensor]]
    length: int
    mix: BatchTransform | None
    device: str
    clock: Clock
    pace: Pace
    tell_pace: Callable[[], None]
    model: nn.Module
    warn: Callable[[str], None]
    at_work: Callable[[str], AbstractContextManager[None]]
    """Around what may take its time."""
    sliver: Sliver | None = None

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.sliver and self.pace.epochs:
            self.clock.stop()
        self.clock.check()
        self.pace.begin()
        with self.at_work("steps of train"):
            yield from self._epoch()
        if self.sliver:
            self.clock.stop()

    def _epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        trained = False
        for images, labels in self.sliver.of(self._alive()) if self.sliver else self._alive():
            self.clock.check()
            batch = self._mixed(images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True))
            if self.sliver:
                self.sliver.lesson.begin(*batch)
            handed_out = perf_counter()
            yield batch
            if self.sliver and self.device == "cuda":
                torch.cuda.synchronize()
            self.pace.count(len(images), handed_out)
            if self.sliver:
                self.sliver.lesson.end()
            if self.pace.due():
                self.tell_pace()
            trained |= self.model.training
        if not trained:
            self.warn(EVAL_MODE)

    def _mixed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.mix(images, labels) if self.mix else (images, labels)

    def _alive(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches, as long as the loader processes live; an exception in one of them comes with its traceback."""
        try:
            yield from self.loaded
        except RuntimeError as error:
            if "exited unexpectedly" not in str(error):
                raise
            raise BrokenContractError("data", f"a process that loads and transforms images died: {error}") from None
