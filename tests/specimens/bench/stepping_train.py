"""Stretches of steps on one resident batch, which is the limit, in turn with stretches on the harness's batches."""

from __future__ import annotations

from itertools import chain, islice, repeat
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

    from harness.contract import Run, Task

BATCH_SIZE = 128
STRETCHES = 7
STRETCH_IMAGES = 10_000  # at most; an epoch where that is less


def train(model: nn.Module, task: Task, run: Run) -> None:
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    batches = run.batches(BATCH_SIZE)
    fresh = chain.from_iterable(repeat(batches))
    images, targets = next(fresh)
    resident = images.contiguous(memory_format=torch.channels_last), targets
    images_per_second(model, optimizer, islice(fresh, 3))  # the check ends here
    steps = min(len(batches), STRETCH_IMAGES // BATCH_SIZE)
    for _ in range(STRETCHES):
        limit = images_per_second(model, optimizer, repeat(resident, steps))
        harness = images_per_second(model, optimizer, islice(fresh, steps))
        run.log(limit=limit, harness=harness)


def images_per_second(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> float:
    began, stepped = perf_counter(), 0
    for images, targets in batches:
        loss = cross_entropy(model(images.contiguous(memory_format=torch.channels_last)), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        stepped += len(images)
    return stepped / (perf_counter() - began)
