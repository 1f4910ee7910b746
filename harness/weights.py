"""Weights on disk: safetensors, of the network as `build_model` makes it, without what `train` wrapped around it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_model, save_model
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRAPPED = ("_orig_mod", "module")
"""Where torch.compile, and where AveragedModel, DataParallel and timm's ModelEma keep the network."""


def save_weights(model: nn.Module, built: type[nn.Module], file: Path) -> None:
    """Write the weights, whole at any moment."""
    part = file.with_suffix(".part")
    save_model(unwrap(model, built), str(part))
    os.replace(part, file)  # noqa: PTH105 - as pathlib's, and says that it is atomic


def load_weights(model: nn.Module, file: Path) -> None:
    """Read them into a network that `build_model` has just made."""
    load_model(model, file)


@contextmanager
def pretrained_skipped() -> Iterator[list[str]]:
    """Have `timm.create_model(name, pretrained=True)` read no file meanwhile; the names come to stand in the list.

    Where trained weights follow, the pretrained ones would be overwritten; and they need not be on the machine that
    predicts. Every way to make a network of timm goes through this one function (read in timm 1.0.31). Where timm is
    not imported by now, no component mentions it.
    """
    asked: list[str] = []
    builder = vars(sys.modules.get("timm.models._builder", ModuleType("none")))
    load = builder.get("load_pretrained")

    def note(*_: Any, pretrained_cfg: dict[str, Any] | None = None, **__: Any) -> None:
        known = pretrained_cfg or {}
        asked.append(f"{known.get('architecture')}.{known.get('tag')}")

    builder["load_pretrained"] = note  # timm has no switch for it
    try:
        yield asked
    finally:
        builder["load_pretrained"] = load


def unwrap(model: nn.Module, built: type[nn.Module]) -> nn.Module:
    """Take off what is around the network of the type that `build_model` made."""
    while type(model) is not built:
        inside = [child for name, child in model.named_children() if name in WRAPPED]
        if not inside:
            break
        model = inside[0]
    return model


def all_finite(model: nn.Module) -> bool:
    values = [value for value in model.state_dict().values() if isinstance(value, torch.Tensor)]
    return all(bool(torch.isfinite(value).all()) for value in values if value.is_floating_point())
