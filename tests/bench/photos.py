"""Loading photos of 2 to 4 megapixels, prepared, against torchvision's ImageFolder of the originals; no training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.components import Pipeline
from orchestrator.dataset import Dataset
from tests.bench.figures import MB, Figure, ratios
from tests.bench.harness_job import SECONDS, fit, rates
from tests.bench.pipelines import component
from tests.bench.preparing import prepare
from tests.bench.samples import write_photos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

TIMES = 3
"""Target."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    originals, prepared, job = folder / "originals", folder / "prepared", folder / "job"
    write_photos(originals, sizes.photos)
    ran = prepare(originals, prepared)
    yield Figure(name="mean photo file", values=(_mean_bytes(originals) / MB,), unit="MB")
    yield Figure(name=f"preparing {sizes.photos:,} photos, once", values=(ran.seconds,), unit="s")
    job.mkdir()
    (job / "photos").symlink_to(originals)
    constants = {"PASSES": sizes.passes, "WORKERS": len(os.sched_getaffinity(0))}
    train = component("loading_train", constants)
    pipeline = Pipeline(data=component("photo_data"), model=component("plain_model"), train=train)
    task = Dataset(prepared).task(device="cpu", seed=0, seconds=SECONDS, weights=())
    report = fit(job, prepared / "train", task, pipeline)
    theirs, ours = rates(report, "torchvision"), rates(report, "harness")
    yield Figure(name="ImageFolder + DataLoader", values=theirs, unit="images/s")
    yield Figure(name="harness", values=ours, unit="images/s")
    yield Figure(name="harness to ImageFolder", values=ratios(ours, theirs), unit="x", at_least=TIMES)


def _mean_bytes(folder: Path) -> float:
    sizes = [path.stat().st_size for path in folder.rglob("*.jpg")]
    return sum(sizes) / len(sizes)
