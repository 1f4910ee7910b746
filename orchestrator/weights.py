"""Pretrained weights that lie on this machine, in the Hugging Face cache layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "models--timm--"


def available_weights(folder: Path) -> tuple[str, ...]:
    """Exact timm names for which `timm.create_model(name, pretrained=True)` needs no network."""
    snapshots = folder.glob(f"{PREFIX}*/snapshots/*/model.safetensors")
    return tuple(sorted({path.parents[2].name.removeprefix(PREFIX) for path in snapshots}))
