"""The network of the model component: made, and asked for logits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from harness.blame import BrokenContractError
from harness.loading import seeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch import Tensor

    from harness.contract import Task


def build(component: ModuleType, task: Task) -> nn.Module:
    """Make the network, on the device.

    Raises:
        BrokenContractError: `build_model` gave something else.
    """
    model = seeded(task.seed, component.build_model, task)
    if not isinstance(model, nn.Module):
        raise BrokenContractError("model", f"build_model must give a torch.nn.Module, not {type(model).__name__}")
    return model.to(task.device)


def forward_of(component: ModuleType, model: nn.Module, task: Task) -> Callable[[Tensor], Tensor]:
    """The component's `predict`, or the network itself; either must give finite logits."""
    function: Callable[[Tensor], Any] = partial(component.predict, model) if hasattr(component, "predict") else model
    name = "predict" if hasattr(component, "predict") else "the network in eval mode"

    def forward(images: Tensor) -> Tensor:
        return checked_logits(function(images), len(images), task.num_classes, name)

    return forward


def checked_logits(logits: Any, images: int, classes: int, name: str) -> Tensor:
    """The logits, if that is what they are.

    Raises:
        BrokenContractError: they are not.
    """
    if not isinstance(logits, torch.Tensor):
        raise BrokenContractError("model", f"{name} must give a tensor of logits, not {type(logits).__name__}")
    if logits.shape != (images, classes):
        wanted = f"({images}, {classes})"
        raise BrokenContractError("model", f"{name} gave logits of shape {tuple(logits.shape)}, wanted {wanted}")
    if not logits.is_floating_point() or not bool(torch.isfinite(logits).all()):
        raise BrokenContractError("model", f"{name} gave logits that are not finite floats")
    return logits
