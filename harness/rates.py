"""The rates of the optimizers that `train` uses, seen by torch's own hook after each step.

What is not covered: optimizers that are not torch's, and rates that are tensors, which would have to come from a GPU.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = 0.01
"""Of the highest rate so far: a schedule may end there, in the last steps, but it should not stay there."""
MOST = 0.5
"""Of the steps of an optimizer."""


@dataclass(eq=False)
class _Rate:
    """Of one optimizer; of its groups, the highest counts."""

    highest: float = 0.0
    steps: int = 0
    low: int = 0
    """Steps at next to nothing."""


class Rates:
    """All optimizers of one training."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Optimizer, _Rate] = WeakKeyDictionary()
        self._all: list[_Rate] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        handle = register_optimizer_step_post_hook(self._note)
        try:
            yield
        finally:
            handle.remove()

    def odd(self) -> str:
        """A warning where every optimizer made most of its steps at next to nothing, or an empty text."""
        if not self._all or any(rate.low <= MOST * rate.steps for rate in self._all):
            return ""
        steps, low = (sum(numbers) for numbers in zip(*((rate.steps, rate.low) for rate in self._all), strict=True))
        return (
            f"train.py: {low} of {steps} steps were made with less than a hundredth of the highest rate: is a schedule "
            "stepped at every batch that is meant for epochs?"
        )

    def _note(self, optimizer: Optimizer, *_: Any) -> None:
        rates = [group.get("lr") for group in optimizer.param_groups]
        known = [rate for rate in rates if isinstance(rate, float | int)]
        if not known:
            return
        if optimizer not in self._of:
            self._all.append(self._of.setdefault(optimizer, _Rate()))
        rate, highest = self._of[optimizer], max(known)
        rate.highest = max(rate.highest, highest)
        rate.steps += 1
        rate.low += highest < NOTHING * rate.highest
