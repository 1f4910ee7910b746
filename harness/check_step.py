"""What a step of `train` does to the network: does it bring it nearer to the labels of the images that it was given?

Nothing is supposed of losses, optimizers and rates. The network is asked for its opinion of a batch before a step and
after it. What an opinion has gained for the target of its own image is compared with what it has gained for those of
the other images of the batch: a step that learns them favours its own, by many standard deviations of a random order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.func import functional_call
from torch.nn.functional import one_hot

from harness.randomness import seeded_aside

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGES = 64
"""Of a batch, at most: a forward of them costs less than a step."""
FEWEST = 32
"""With fewer nothing can be told from chance."""
FAVOUR = 2.0
"""Deviations, of all steps together: good pipelines have 7 to 22, with half of all dropped, mixed or smoothed, too."""
MOVED = 1e-4
"""Of a logarithm; where all have moved by less, as in a warm-up, rounding may be all that is seen."""
APART = 0.04
"""Of what the opinions have gained, the share by which images differ. In the first steps of a vision transformer it is
0.01 to 0.03, and little can be told; good convolutional networks have 0.15 to 0.8."""


class Lesson:
    """The steps of the check, each looked at from before and from after it."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._before: _Opinion | None = None
        self.favours: list[float] = []
        """Standard deviations by which each step favoured the targets that it was given, where that can be told."""

    def odd(self) -> str:
        """A warning where the steps do not favour their targets, or an empty text."""
        if not self.favours or sum(self.favours) / math.sqrt(len(self.favours)) > FAVOUR:
            return ""
        return (
            "train.py: after a step on a batch the network is no nearer to the targets of its images than to the same "
            "targets in another order: does the loss get each image with its own target, and is it made smaller?"
        )

    def begin(self, images: Tensor, targets: Tensor) -> None:
        """Take the opinion before a step. `targets`: (N,) or (N, classes)."""
        if len(images) >= FEWEST:
            self._before = _ask(self._model, images[:IMAGES].clone(), targets[:IMAGES].clone())

    def end(self) -> None:
        """Take the opinion after it."""
        if self._before is None:
            return
        after = _ask(self._model, self._before.images, self._before.targets)
        if after is not None and after.modes == self._before.modes:
            gained = after.logarithms - self._before.logarithms
            self.favours += filter(None, [_favour(gained, self._before.targets)])
        self._before = None


@dataclass(frozen=True, kw_only=True)
class _Opinion:
    """What the network thinks of some images."""

    images: Tensor
    targets: Tensor
    logarithms: Tensor
    """Of probabilities, (N, classes)."""
    modes: list[bool]
    """Which parts of the network are in train mode."""


def _ask(model: nn.Module, images: Tensor, targets: Tensor) -> _Opinion | None:
    """Ask with one seed, in the mode that the network is in, and leave it as it is; None where it cannot be asked."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    modes = [module.training for module in model.modules()]
    try:
        with torch.no_grad(), seeded_aside(0), torch.random.fork_rng(range(torch.cuda.device_count())):
            torch.manual_seed(0)
            logits = functional_call(model, buffers, (images.clone(),))
    except Exception:  # noqa: BLE001 - a component's code, which `train` may call in another way
        return None
    return _Opinion(images=images, targets=targets, logarithms=logits.float().log_softmax(dim=1), modes=modes)


def _favour(gained: Tensor, targets: Tensor) -> float | None:
    """How far the gain of the own targets is above that of targets in a random order, in deviations of the latter."""
    if not bool(torch.isfinite(gained).all()) or float(gained.abs().max()) < MOVED or _alike(gained):
        return None
    soft = targets.double() if targets.ndim == 2 else one_hot(targets, gained.shape[1]).double()
    of_each = gained.double() @ soft.T
    of_each -= of_each.mean(dim=0, keepdim=True)
    of_each -= of_each.mean(dim=1, keepdim=True)
    deviation = math.sqrt(float(of_each.square().sum()) / (len(soft) - 1))
    return float(of_each.diagonal().sum()) / deviation if deviation > 0 else None


def _alike(gained: Tensor) -> bool:
    """Whether the step changed the opinions of all images in nearly the same way."""
    of_classes = gained - gained.mean(dim=1, keepdim=True)
    of_images = of_classes - of_classes.mean(dim=0, keepdim=True)
    return float(of_images.square().sum()) < APART * float(of_classes.square().sum())
