"""Which weights `train` keeps: those of its best epoch, or worse ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from torch import nn

WORSE = 0.05
SURELY = 3.0
"""Standard errors. The best of many epochs is lucky, too; but accuracies on the same images differ by less."""


class Kept:
    """The accuracies of what was validated, and of what was saved right afterwards."""

    def __init__(self) -> None:
        self._best = 0.0
        self._latest: tuple[ref[nn.Module], object, float] | None = None
        self._saved: float | None = None

    def validated(self, model: nn.Module, moment: object, accuracy: float) -> None:
        """Note a validation. `moment`: another one as soon as a batch was trained on."""
        self._latest = ref(model), moment, accuracy
        self._best = max(self._best, accuracy)

    def saved(self, model: nn.Module, moment: object) -> None:
        """Note what is kept from now on; its accuracy is known where nothing has happened since it was validated."""
        self._saved = None
        if self._latest and self._latest[0]() is model and self._latest[1] == moment:
            self._saved = self._latest[2]

    def odd(self, images: int) -> str:
        """A warning where much better weights were there, or an empty text. `images`: of the tuning split."""
        if self._saved is None:
            return ""
        variance = sum(accuracy * (1 - accuracy) for accuracy in (self._best, self._saved)) / images
        if self._best - self._saved <= max(WORSE, SURELY * math.sqrt(variance)):
            return ""
        return (
            f"train.py: the weights that run.save got last have a tuning accuracy of {self._saved:.3f}, others before "
            f"had {self._best:.3f}: save the best ones"
        )
