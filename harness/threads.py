"""How many threads a network is worth on a CPU.

Each operation on several threads ends in a barrier. For a small network the barriers are most of the time, and a busy
machine makes each wait for a time slice: 9 ms a step on two threads, 1.3 ms on one, for a small network on 8 x 8
images. The work decides, not a measurement, so that one seed gives one result: sums depend on the number of threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from harness.examples import Examples

SMALL = 100e6
"""Floating-point operations of one forward: 2 to 5 ms on one thread, what a few dozen barriers come to."""


def count_operations(model: nn.Module, examples: Examples, device: str) -> float:
    """Of a forward, an image: convolutions and matrix products; infinite where nobody asks or none can be counted."""
    if device != "cpu":
        return float("inf")
    images, _ = examples.__getitems__(examples.spread(2))
    was_training = model.training
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model.eval()(images)
    except Exception:  # noqa: BLE001 - a component's code; if it is broken, the next step says so
        return float("inf")
    finally:
        model.train(was_training)
    return float(counter.get_total_flops()) / len(images)


def use_threads(operations: float, cpus: int) -> None:
    """Set the threads of this process for forwards of so many operations."""
    torch.set_num_threads(1 if operations < SMALL else cpus)


@contextmanager
def one_thread() -> Iterator[None]:
    """As in a loader process, so that a batch is the same wherever it is made."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
