"""Pretrained weights as small as they come: files of the true format for the hub, and a cache that is filled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.settings import Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

TINY = "test_resnet.r160_in1k"
"""One of the networks that timm has for tests: 2 MB."""


def tensors_file(size: int = 1000) -> bytes:
    """What safetensors writes of one array."""
    import numpy as np  # noqa: PLC0415 - beside the library that needs it
    from safetensors.numpy import save  # noqa: PLC0415 - where the extra `harness` is

    return save({"weight": np.arange(size, dtype=np.float32)})


def timm_files(name: str, folder: Path) -> dict[str, bytes]:
    """What timm uploads to the hub: config.json and model.safetensors of a network with random weights."""
    import timm  # noqa: PLC0415 - where the extra `harness` is
    from timm.models import save_for_hf  # noqa: PLC0415

    save_for_hf(timm.create_model(name), str(folder), safe_serialization=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hub_files(size: int = 1000) -> dict[str, bytes]:
    """The same layout around one array."""
    return {"config.json": json.dumps({"architecture": "none"}).encode(), "model.safetensors": tensors_file(size)}


def settings(folder: Path, **knobs: str) -> Settings:
    return read_settings({"weights_dir": str(folder), **knobs})


def put(folder: Path, name: str, content: bytes, *, revision: str = "first") -> Path:
    """Lay weights into a cache as the library of the hub does; return their file."""
    place = folder / f"models--timm--{name}"
    model = place / "snapshots" / revision / "model.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(content)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(revision)
    return model
