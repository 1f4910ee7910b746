"""An epoch over a million mapped images, image by image through loader processes: memory must stay flat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.contract import Task
from orchestrator.components import Pipeline
from tests.bench.figures import Figure
from tests.bench.harness_job import SECONDS, fit, rates
from tests.bench.pipelines import component
from tests.bench.samples import CLASSES, SIDE, write_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.bench.sizes import Sizes

FLAT = 1.1
"""Target: times the memory at the beginning of the epoch."""
ENDS = 5
"""Points at either end of the epoch."""
NAMES = {"process": "the process that trains", "loader": "the largest loader process"}


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    train = folder / "train"
    train.mkdir(parents=True)
    labels = write_array(train / "images.npy", sizes.million)
    np.save(train / "labels.npy", labels)
    pipeline = Pipeline(data=component("crop_data"), model=component("plain_model"), train=component("memory_train"))
    report = fit(folder / "job", train, _task(labels), pipeline)
    yield Figure(name=f"{sizes.million:,} images: epoch", values=rates(report, "rate")[-1:], unit="images/s")
    for name, what in NAMES.items():
        held = rates(report, name)
        first, last = held[:ENDS], held[-ENDS:]
        yield Figure(name=f"{what}: begin", values=first, unit="MB")
        yield Figure(name=f"{what}: end", values=last, unit="MB")
        ratio = float(np.median(last) / np.median(first))
        yield Figure(name=f"{what}: end to begin", values=(ratio,), unit="x", at_most=FLAT)


def _task(labels: NDArray[np.int64]) -> Task:
    return Task(
        classes=tuple(f"class-{label}" for label in range(CLASSES)),
        image_size=(SIDE, SIDE),
        channels=3,
        train_size=len(labels),
        class_counts=tuple(np.bincount(labels, minlength=CLASSES).tolist()),
        mean=(0.5, 0.5, 0.5),
        std=(0.29, 0.29, 0.29),
        device="cpu",
        seed=0,
        seconds=SECONDS,
    )
