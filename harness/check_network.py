"""What `check` asks of the network: that its parts are registered, and that its logits are logits, one row an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from harness.blame import BrokenContractError
from harness.network import checked_logits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from harness.contract import Task

CLOSE = 1e-2
"""How much logits of the same weights may differ: sums in another order, and half precision has three digits."""
SAME = 1e-7
"""Of the largest logit: nothing but rounding."""


def check_registered(model: nn.Module) -> None:
    """Every layer is where `parameters()` and `state_dict()` find it.

    Raises:
        BrokenContractError: one is in a plain list or dictionary.
    """
    known = {id(module) for module in model.modules()}
    for module in model.modules():
        for name, value in vars(module).items():
            if not name.startswith("_") and any(id(part) not in known for part in _modules_in(value)):
                raise BrokenContractError(
                    "model",
                    f"{type(module).__name__}.{name} holds layers in a plain {type(value).__name__}, which are neither "
                    "trained nor saved: nn.ModuleList or nn.ModuleDict are",
                )


def _modules_in(value: Any) -> Iterator[nn.Module]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return (part for part in parts if isinstance(part, nn.Module))


def first_logits(model: nn.Module, images: Tensor, task: Task) -> Tensor:
    """Logits in train mode.

    Raises:
        BrokenContractError: they are none; or the network takes images as the task has them, and not these.
    """
    try:
        logits = model(images)
    except Exception as error:
        if plain := _taken_instead(model, images, task):
            raise BrokenContractError(
                "data", f"the network takes images of {plain}, and not of {tuple(images.shape[1:])}: {error}"
            ) from error
        raise
    checked: Tensor = checked_logits(logits, len(images), task.num_classes, "the network in train mode")
    refuse_probabilities(checked, "the network")
    return checked


def check_gradients(model: nn.Module, logits: Tensor) -> None:
    """What the images hold reaches the loss: asked after a backward pass in train mode.

    A last layer of zeros gives the same logits for all images, too, but it has a gradient.

    Raises:
        BrokenContractError: nothing has a gradient, or biases alone.
    """
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    if not gradients:
        raise BrokenContractError("model", "no parameter of the network got a gradient")
    matrices = [gradient for gradient in gradients if gradient.ndim > 1]
    if matrices and _alike(logits.detach()) and not any(bool(gradient.any()) for gradient in matrices):
        raise BrokenContractError(
            "model",
            "in train mode the network gives the same logits for different images, and biases alone have a gradient: "
            "is everything dropped, or multiplied by zero?",
        )


def _taken_instead(model: nn.Module, images: Tensor, task: Task) -> tuple[int, ...]:
    """The shape of plain images of the task, if they are of another shape and the network takes them; else nothing."""
    sizes = [task.image_size, tuple(images.shape[-2:]) if images.ndim == 4 else None]
    shapes = [(task.channels, *size) for size in sizes if size]
    if tuple(images.shape[1:]) in shapes:
        return ()
    return next((shape for shape in shapes if _takes(model, images.new_zeros(len(images), *shape), task)), ())


def _takes(model: nn.Module, images: Tensor, task: Task) -> bool:
    try:
        return bool(model(images).shape == (len(images), task.num_classes))
    except Exception:  # noqa: BLE001 - a component's code: this was but a try
        return False


def refuse_probabilities(logits: Tensor, name: str) -> None:
    """Cross entropy and the score take the softmax themselves.

    Raises:
        BrokenContractError: these are probabilities.
    """
    values = logits.detach().float()
    if bool((values >= 0).all()) and bool(((values.sum(dim=1) - 1).abs() < CLOSE).all()):
        raise BrokenContractError("model", f"{name} gives probabilities: logits are wanted, so leave the softmax out")


def _alike(logits: Tensor) -> bool:
    """Whether all rows are the same."""
    return float((logits - logits[:1]).abs().max() / logits.abs().max().clamp(min=1.0)) < SAME


def check_rows(images: Tensor, alone: Tensor, logits: Tensor) -> str:
    """A warning where the first image has other logits by itself than among the others, or an empty text.

    Raises:
        BrokenContractError: images that differ have the same logits.
    """
    largest = logits.abs().max().clamp(min=1.0)
    differ = bool((images != images[:1]).any())
    if differ and _alike(logits):
        raise BrokenContractError("model", "the network gives the same logits for different images")
    if float((alone - logits[:1]).abs().max() / largest) < CLOSE:
        return ""
    return (
        "model.py: in eval mode the logits of an image change with the others of its batch, or from one call to the "
        "next: is dropout or batch norm still in train mode, or a softmax over the wrong dimension?"
    )
