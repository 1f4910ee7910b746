"""Models that can be exported without a run: components, weights as they begin, and a dataset of shades."""

from __future__ import annotations

import io
import json
import multiprocessing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.components import Pipeline
from orchestrator.compute import Compute
from orchestrator.dataset import Dataset
from orchestrator.export import Source
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.predict import Model, Preparation
from orchestrator.recorded import Recorded
from tests.endings import make_shades
from tests.harness_jobs import PRELOADED, write_encoded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.contract import Task
    from sandbox.base import Sandbox

SUMMARY: dict[str, Any] = {
    "ended": "nothing worth trying is left",
    "iterations": 2,
    "failed": 1,
    "provider": "openai some-model",
    "majority": 0.5,
    "validation": {"accuracy": 0.8, "interval": [0.7, 0.9], "images": 60},
    "test": {
        "accuracy": 0.75,
        "interval": [0.6, 0.85],
        "images": 60,
        "macro_f1": 0.7,
        "log_loss": 0.6,
        "calibration_error": 0.05,
        "confusion": [[20, 0, 0], [12, 5, 3], [0, 0, 20]],
    },
    "seeds": {"test": {"accuracies": [0.75, 0.7]}},
    "ending": None,
}


def make_source(folder: Path, files: Mapping[str, str], *, sizes: bool = False, **facts: Any) -> Source:
    """A model of these components. `sizes`: of images of many sizes; `facts`: of its task, other than the dataset's."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = make_shades(folder / "dataset")
    if sizes:
        write_encoded(dataset.folder / "validation", 60)
        known = json.loads((dataset.folder / "dataset.json").read_text()) | {"image_size": None}
        (dataset.folder / "dataset.json").write_text(json.dumps(known))
        dataset = Dataset(dataset.folder)
    task = replace(dataset.task(device="cpu", seed=1, seconds=10, weights=()), **facts)
    weights = folder / "begin.safetensors"
    model = Model(
        pipeline=Pipeline(data=files["data"], model=files["model"], train=files["train"]),
        weights=weights,
        task=task,
        preparation=Preparation(max_side=512, ceiling=255.0),
    )
    forked(_write_weights, files["model"], task, weights)
    recorded = Recorded(
        run=folder / "run-1",
        model=model,
        manifest={},
        scores={},
        logits={},
        custody={},
        cores=1,
        by_clock=False,
        refit=False,
        members=(),
    )
    return Source(recorded=recorded, summary=SUMMARY, dataset=dataset)


def forked(function: Any, *arguments: Any) -> None:
    """Call a function in a process of its own that has imported torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=function, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def _write_weights(source: str, task: Task, file: Path) -> None:
    """Weights as `build_model` makes them, with something in the place of statistics that training would find."""
    import torch  # noqa: PLC0415 - in the process that has it
    from safetensors.torch import save_model  # noqa: PLC0415

    from harness.weights import pretrained_skipped  # noqa: PLC0415

    space: dict[str, Any] = {"__name__": "components.model"}
    torch.manual_seed(0)
    exec(source, space)  # noqa: S102 - a recipe, or a specimen of ours
    with pretrained_skipped():
        model = space["build_model"](task)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    save_model(model, str(file))


def make_jobs(folder: Path, sandbox: Sandbox) -> Jobs:
    folder.mkdir()
    return Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=2 << 30, output=256 << 20, gpu=False),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
    )


def colours(count: int, side: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Noise in colour, (N, H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, *side, 3), dtype=np.uint8)
