"""Images a second of a training epoch through the harness, against the same network stepped on a resident batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.contract import Task
from orchestrator.components import Pipeline
from prompts.recipe import read_recipe
from tests.bench.figures import Figure, ratios
from tests.bench.harness_job import SECONDS, fit, rates
from tests.bench.pipelines import component
from tests.bench.samples import CLASSES, SIDE, small_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

NETWORKS = {
    "ResNet-18": ("resnet_model", 0.95, {"BATCH_SIZE": 64, "STRETCH_IMAGES": 384}),
    "three-layer CNN": ("cnn_model", 0.8, {"BATCH_SIZE": 128}),
}
"""Name -> component, target, and how `train` steps: on two cores ResNet-18 does 100 images/s, the CNN 30 times that."""
RECIPE = {"shift": 0.125, "flip": True, "rotate": 0.0, "zoom": 0.0, "erase": 0.0}
"""Crop and flip as the recipes do it, in `batch_transform`: 0.125 of 32 pixels are 4."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    images, labels = small_images(sizes.images)
    train = folder / "train"
    train.mkdir(parents=True)
    np.save(train / "images.npy", images)
    np.save(train / "labels.npy", labels)
    augmentations = {
        "whole batches": read_recipe("small-colour").fill(RECIPE)["data"],
        "image by image": component("crop_data"),
    }
    for name, (model, target, constants) in NETWORKS.items():
        for augmentation, data in augmentations.items():
            stepping = component("stepping_train", {"STRETCHES": sizes.stretches, **constants})
            pipeline = Pipeline(data=data, model=component(model), train=stepping)
            job = folder / f"{model}-{augmentation.replace(' ', '-')}"
            report = fit(job, train, _task(labels.tolist()), pipeline)
            limit, harness = rates(report, "limit"), rates(report, "harness")
            yield Figure(name=f"{name}: resident batch", values=limit, unit="images/s")
            yield Figure(name=f"{name}: harness, {augmentation}", values=harness, unit="images/s")
            yield Figure(
                name=f"{name}: harness to resident, {augmentation}",
                values=ratios(harness, limit),
                unit="x",
                at_least=target if augmentation == "whole batches" else None,
            )


def _task(labels: list[int]) -> Task:
    return Task(
        classes=tuple(f"class-{label}" for label in range(CLASSES)),
        image_size=(SIDE, SIDE),
        channels=3,
        train_size=len(labels),
        class_counts=tuple(labels.count(label) for label in range(CLASSES)),
        mean=(0.5, 0.5, 0.5),
        std=(0.29, 0.29, 0.29),
        device="cpu",
        seed=0,
        seconds=SECONDS,
    )
