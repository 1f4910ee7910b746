"""What `check` asks of `train` beyond running: that it changes the network, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from harness.blame import BrokenContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from harness.contract import Task

FROZEN = 0.5
"""From this share of the weights on it is no whim to leave them at random: nothing pretrained is here."""
WEIGHTS = {".pt", ".pth", ".ckpt", ".safetensors", ".bin"}
"""How files of weights are called."""


class Watch:
    """A network before `train`, after a backward pass of ours, to be compared with what it is afterwards."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._before = sums(model)
        self._files = _files_of_weights()
        self._shapes = [weight.shape for weight in model.parameters()]
        self._marks = [_Mark(_written(weight), reached=weight.grad is not None) for weight in model.parameters()]

    def require_alike(self, built: nn.Module) -> None:
        """Have `build_model` give the same network every time, or no weights could be loaded.

        Raises:
            BrokenContractError: it gave another one.
        """
        if [weight.shape for weight in built.parameters()] != self._shapes:
            raise BrokenContractError("model", "build_model gave a network of other shapes when it was called again")

    def changed(self) -> bool:
        return self.differs(self._model)

    def differs(self, model: nn.Module) -> bool:
        return sums(model) != self._before

    def check(self, saved: nn.Module | None, task: Task) -> Iterator[str]:
        """Give warnings. `saved`: the network with the weights that `train` saved.

        Raises:
            BrokenContractError: nothing has changed.
        """
        changed = self.changed()
        if not changed and not (saved and self.differs(saved)):
            raise BrokenContractError(
                "train",
                "train made its steps and not one weight changed: are the gradients computed, of these parameters, and "
                "is optimizer.step() called, with a rate above 0?",
            )
        if changed and saved and not self.differs(saved):
            yield "train.py: run.save got the weights that the network had before it was trained"
        if changed and not task.weights:
            yield from self._warn_of_frozen()
        own = sorted(file.name for file in _files_of_weights() - self._files)
        if own and not saved:
            yield (
                f"train.py: it wrote {', '.join(own[:3])} and did not call run.save: a file of its own is lost where "
                "train does not read it, or is ended by its clock before"
            )

    def _warn_of_frozen(self) -> Iterator[str]:
        weights = list(zip(self._model.parameters(), self._marks, strict=True))
        kept = [(weight, mark) for weight, mark in weights if _written(weight) == mark.written]
        share = sum(weight.numel() for weight, _ in kept) / sum(weight.numel() for weight, _ in weights)
        if share > FROZEN:
            owner = "model" if not any(mark.reached for _, mark in kept) else "train"
            yield f"{owner}.py: {share:.0%} of the weights stay as they were drawn, and none is pretrained: train them"


@dataclass(frozen=True)
class _Mark:
    """A parameter before `train`."""

    written: int
    reached: bool
    """Whether the network lets a gradient come to it."""


def _files_of_weights() -> set[Path]:
    """Where a component writes to that names no folder, or one below."""
    try:
        return {path for pattern in ("*", "*/*") for path in Path.cwd().glob(pattern) if path.suffix in WEIGHTS}
    except OSError:  # it went where no path leads, or took away what it stood on
        return set()


def _written(weight: Tensor) -> int:
    """How often it was written to: an optimizer does so even where the gradient is zero."""
    return weight._version  # noqa: SLF001 - autograd's own count, of which torch's notes tell


def sums(model: nn.Module) -> list[float]:
    """One number for each parameter; two networks of a kind that have the same ones are the same."""
    with torch.no_grad():
        found: list[float] = torch.stack([weight.sum(dtype=torch.float64) for weight in model.parameters()]).tolist()
    return found
