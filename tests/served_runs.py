"""A run's folder whose model is known: it tells dark, grey and light apart, and misbehaves where a test wants it to."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = ("dark", "grey", "light")
SHADES = {"dark": 20, "grey": 128, "light": 235}
DATA = (Path(__file__).parent / "specimens" / "plain" / "data.py").read_text()
MODEL = """
import os
import time

import torch
from torch import nn


class Brightness(nn.Module):
    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.tensor([0.1, 0.5, 0.9]))

    def forward(self, images):
        brightness = images.mean(dim=(1, 2, 3))
        for each in (brightness * 255).round().int().tolist():
            act(each)
        return -50 * (brightness[:, None] - self.centres) ** 2


def act(shade):
    pass


def build_model(task):
    return Brightness()
"""
"""`act` is where a test puts in what a model should not do."""
NASTY = """def act(shade):
    if shade == 1:
        time.sleep(1000)
    if shade == 2:
        os._exit(3)
    if shade == 3:
        raise RuntimeError("this shade I do not like")
    if shade == 4:
        print("x" * (9 << 20))
    if shade == 5:
        keep = [bytearray(os.urandom(1 << 20) * 64) for _ in range(10_000)]
    if shade == 6:
        numbers = [int(name[7:]) for name in os.listdir("/job/out") if name.startswith("answer-0")]
        with open(f"/job/out/answer-{max(numbers) + 1:06}", "wb") as file:
            file.write(b"no answer")
        time.sleep(0.5)
    if shade == 7:
        numbers = [int(name[7:]) for name in os.listdir("/job/out") if name.startswith("answer-0")]
        with open(f"/job/out/answer-{max(numbers) + 1:06}", "wb") as file:
            file.write(bytes(400 + 160) + b"\\xff" * 12)
        time.sleep(0.5)
    if shade == 8:
        raise SystemExit
"""
"""What it does, by the shade of an image: 1 hangs, 2 leaves, 3 fails, 4 talks, 5 hoards, 6 and 7 lie, 8 gives up."""


def make_run(folder: Path, act: str = "", *, classes: tuple[str, ...] = CLASSES, size: int | None = 8) -> Path:
    """The folder of a run; `act`: another one than the model has."""
    import torch  # noqa: PLC0415 - where it is
    from safetensors.torch import save_file  # noqa: PLC0415 - as above

    model = MODEL.replace("def act(shade):\n    pass\n", act) if act else MODEL
    (folder / "best" / "components").mkdir(parents=True)
    for name, text in {"data": DATA, "model": model, "train": "\n"}.items():
        (folder / "best" / "components" / f"{name}.py").write_text(text)
    save_file({"centres": torch.tensor([0.1, 0.5, 0.9])}, folder / "best" / "weights.safetensors")
    task: Mapping[str, object] = {
        "classes": classes,
        "image_size": [size, size] if size else None,
        "channels": 1,
        "train_size": 30,
        "class_counts": [10, 10, 10],
        "mean": [0.5],
        "std": [0.25],
        "device": "cpu",
        "seed": 0,
        "seconds": 60,
        "cpus": 1,
    }
    (folder / "best" / "task.json").write_text(json.dumps(task))
    (folder / "run.json").write_text(json.dumps({"preparation": {"max_side": 512, "ceiling": 255.0}}))
    summary = {"test": {"accuracy": 0.9, "interval": [0.8, 0.95], "images": 100}}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def png(shade: int, width: int = 8, height: int = 8) -> bytes:
    """A grey image of one shade."""
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), shade, np.uint8)).save(file, "png")
    return file.getvalue()
