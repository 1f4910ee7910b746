"""Runs the harness on tiny datasets: the real program, forked from a process that has imported torch once.

Importing takes 4 s a process; the harness itself forks its phases in the same way.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.__main__ import main
from harness.report import Event, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SPECIMENS = Path(__file__).parent / "specimens"
CLASSES = 3
IMAGES = 60
PATIENT: dict[str, Any] = {"cpus": 2, "seconds": 300, "check_seconds": 300, "quick_seconds": 60, "grace_seconds": 60}
"""For a network of some size on a busy machine."""
PRELOADED = ["torch", "timm", "torchvision.transforms.v2", "harness.phases"]


@dataclass(frozen=True)
class Ran:
    """A job of the harness that has ended."""

    status: int
    report: Report
    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def weights(self) -> bytes:
        return (self.out / "weights.safetensors").read_bytes()

    @property
    def logits(self) -> NDArray[np.float32]:
        return np.fromfile(self.out / "logits.f32", dtype="<f4").reshape(-1, CLASSES)

    @property
    def events(self) -> list[Event]:
        return [Event.parse(line) for line in (self.out / "events.jsonl").read_bytes().splitlines()]


def pixels(labels: NDArray[np.int64], size: tuple[int, int] = (8, 8), channels: int = 1) -> NDArray[np.uint8]:
    """Noise that is the brighter, the higher the label."""
    noise = np.random.default_rng(0).integers(0, 60, (len(labels), channels, *size))
    return (noise + 80 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8)


def labels_of(images: int) -> NDArray[np.int64]:
    return np.arange(images, dtype=np.int64) % CLASSES


def pipeline(**changes: tuple[str, str]) -> dict[str, str]:
    """The plain pipeline; `train=("lr=0.02", "lr=0")` replaces a text in train.py."""
    files = {name: (SPECIMENS / "plain" / f"{name}.py").read_text() for name in ("data", "model", "train")}
    for name, (old, new) in changes.items():
        assert old in files[name]
        files[name] = files[name].replace(old, new)
    return files


def write_job(folder: Path, files: Mapping[str, str], images: int = IMAGES, **settings: Any) -> Path:
    """Lay out a job's folders: components, task.json, images."""
    for part in ("input/components", "train", "images", "out"):
        (folder / part).mkdir(parents=True)
    for name, text in files.items():
        (folder / "input" / "components" / f"{name}.py").write_text(text)
    labels = labels_of(images)
    np.save(folder / "train" / "labels.npy", labels)
    np.save(folder / "train" / "images.npy", pixels(labels))
    np.save(folder / "images" / "images.npy", pixels(labels_of(10)))
    task = {
        "classes": ["dark", "grey", "light"],
        "image_size": [8, 8],
        "channels": 1,
        "train_size": images,
        "class_counts": np.bincount(labels, minlength=CLASSES).tolist(),
        "mean": [0.4],
        "std": [0.3],
        "device": "cpu",
        "seed": 7,
        "seconds": 20,
        "cpus": 1,
        "grace_seconds": 10,
        "check_seconds": 30,
    }
    (folder / "input" / "task.json").write_text(json.dumps(task | settings))
    (folder / "input" / "go").touch()
    return folder


def write_encoded(folder: Path, images: int) -> None:
    """Replace the images of a split by PNG files, each of another size."""
    (folder / "images.npy").unlink()
    files = [_png(image, 8 + image % 5) for image in range(images)]
    (folder / "images.bin").write_bytes(b"".join(files))
    np.save(folder / "offsets.npy", np.cumsum([0, *map(len, files)]))


def _png(label: int, size: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(labels_of(label + 1)[-1:], (size, 9))[0, 0]).save(file, "png")
    return file.getvalue()


def run_job(name: str, folder: Path) -> Ran:
    """Run `fit` or `predict` in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(sys.path))
    process = context.Process(target=_run, args=(name, str(folder)))
    process.start()
    process.join()
    return Ran(process.exitcode or 0, Report.parse((folder / "out" / "report.json").read_bytes()), folder)


def fit(folder: Path, files: Mapping[str, str], **settings: Any) -> Ran:
    return run_job("fit", write_job(folder, files, **settings))


def predict(trained: Ran) -> Ran:
    """Predict with the weights of a fit job, without its train.py."""
    folder = trained.folder
    shutil.move(folder / "out" / "weights.safetensors", folder / "input" / "weights.safetensors")
    (folder / "input" / "components" / "train.py").unlink()
    return run_job("predict", folder)


def _run(name: str, folder: str) -> None:
    sys.exit(main([name, "--root", folder]))
