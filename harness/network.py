"""The network of the model component: made, and asked for logits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from harness.blame import BrokenContractError
from harness.forward import outputs
from harness.loading import seeded
from harness.randomness import seed_all
from harness.weights import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.channel import Steps
    from harness.contract import Task


class NotFiniteError(BrokenContractError):
    """Raised when logits are not finite, which may be the fault of how the network was trained."""


def build(component: ModuleType, task: Task) -> nn.Module:
    """Make the network, on the device.

    Raises:
        BrokenContractError: `build_model` gave something else.
    """
    model = seeded(task.seed, component.build_model, task)
    if not isinstance(model, nn.Module):
        raise BrokenContractError("model", f"build_model must give a torch.nn.Module, not {type(model).__name__}")
    return model.to(task.device)


def build_trained(component: ModuleType, task: Task, weights: Path, channel: Steps) -> nn.Module:
    """Make the network with trained weights, ready to predict; within `pretrained_skipped`."""
    channel.step("build the model", "model")
    model = build(component, task)
    channel.step("load the weights", "model")
    load_weights(model, weights)
    return model.eval()


def function_of(component: ModuleType, model: nn.Module) -> Callable[[Tensor], Any]:
    """The component's `predict`, or the network itself."""
    return partial(component.predict, model) if hasattr(component, "predict") else model


def forward_of(component: ModuleType, model: nn.Module, task: Task) -> Callable[[Tensor], Tensor]:
    """The same; it must give finite logits."""
    function = function_of(component, model)
    name = "predict" if hasattr(component, "predict") else "the network in eval mode"

    def forward(images: Tensor) -> Tensor:
        return checked_logits(function(images), len(images), task.num_classes, name)

    return forward


def checked_logits(logits: Any, images: int, classes: int, name: str) -> Tensor:
    """The logits, if that is what they are.

    Raises:
        BrokenContractError: they are not; a `NotFiniteError` where that is all.
    """
    if not isinstance(logits, torch.Tensor):
        raise BrokenContractError("model", f"{name} must give a tensor of logits, not {type(logits).__name__}")
    if logits.shape != (images, classes):
        wanted = f"({images}, {classes})"
        raise BrokenContractError("model", f"{name} gave logits of shape {tuple(logits.shape)}, wanted {wanted}")
    if not logits.is_floating_point() or not bool(torch.isfinite(logits).all()):
        raise NotFiniteError("model", f"{name} gave logits that are not finite floats")
    return logits


def give_logits(
    forward: Callable[[Tensor], Tensor],
    batches: Iterable[tuple[Tensor, Tensor]],
    images: int,
    task: Task,
    take: Callable[[NDArray[np.float32]], object],
) -> None:
    """Forward so many images, of which the last may be there more than once; `take` gets logits, batch by batch."""
    left = images
    with torch.inference_mode():
        seed_all(task.seed)
        for logits, _ in outputs(forward, batches, task.device):
            wanted = logits[:left].float().cpu().numpy()
            take(wanted)
            left -= len(wanted)
