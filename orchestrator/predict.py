"""Classify new images with the model of a run: prepared by our code, predicted by the run's, both in the sandbox."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contract import Task
from orchestrator.components import read_components
from orchestrator.errors import AutoModelError
from orchestrator.jobs import LOGITS, TASK, WEIGHTS
from orchestrator.link import link_or_copy
from orchestrator.scoring import InvalidLogitsError, read_logits, softmax
from sandbox.base import Job, Limits, Mount, Verdict, run_job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.components import Pipeline
    from orchestrator.jobs import Jobs
    from sandbox.base import Ended, Sandbox

SECONDS = 3600.0
UNREADABLE = "unreadable.json"
IMAGE_BYTES = 2 << 30
"""200 million pixels, the most that are read, take 1.6 GB with four channels of 16 bits."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The most likely class of one image, or why there is none."""

    image: Path
    label: str = ""
    probability: float = 0.0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How the dataset's images were stored, and new ones must be."""

    max_side: int
    """In pixels."""
    ceiling: float
    """The value that became white, of images deeper than 8 bits."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The best pipeline of a run, with its weights."""

    pipeline: Pipeline
    weights: Path
    task: Task
    preparation: Preparation
    hold_out: bool = True
    """Whether a tuning split was carved; of a refit none was, and `task` counts all images that it learnt from."""


def load_model(run: Path) -> Model:
    """The model of a run.

    Raises:
        AutoModelError: the folder holds none.
    """
    from pydantic import TypeAdapter

    best = run / "best"
    try:
        manifest = TypeAdapter(dict[str, Any]).validate_json((run / "run.json").read_bytes())
        preparation = TypeAdapter(Preparation).validate_python(manifest.get("preparation"))
        task = read_task(best / TASK)
        hold_out = bool(json.loads((best / TASK).read_bytes()).get("hold_out", True))
        pipeline = read_components(best / "components")
        (best / WEIGHTS).stat()
    except (OSError, ValueError):
        raise AutoModelError(
            f"{run} holds no trained model, or none that this version reads: name the folder of a run, as "
            "`automodel run` does."
        ) from None
    return Model(pipeline=pipeline, weights=best / WEIGHTS, task=task, preparation=preparation, hold_out=hold_out)


def read_task(path: Path) -> Task:
    """The task of an attempt.

    Raises:
        ValueError: this is none.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(Task).validate_json(path.read_bytes())


def predict(model: Model, images: Sequence[Path], sandbox: Sandbox, jobs: Jobs) -> list[Prediction]:
    """Classify image files; one that cannot be read has a `problem` instead.

    Raises:
        AutoModelError: the model failed.
    """
    task = replace(model.task, device=jobs.compute.device)  # it may have been trained on another machine
    folder = jobs.folder
    for name in ("input", "output", "prepared", "attempt"):
        (folder / name).mkdir(parents=True)
    (folder / "prepared").chmod(0o755)  # whatever the umask: the next job reads it under another uid
    # The job that predicts imports torch while the images are prepared.
    waiting = jobs.start_predict(folder / "prepared", len(images) * task.num_classes, SECONDS)
    try:
        problems = _copy(images, folder / "input") | _prepare(model, sandbox, folder)
        readable = len(images) - len(problems)
        if not readable:
            return [Prediction(image=path, problem=problems[index]) for index, path in enumerate(images)]
        link_or_copy(model.weights, waiting.folder / "input" / WEIGHTS)
        facts = {"hold_out": model.hold_out}
        ended = waiting.run(task, model.pipeline, ("data", "model"), folder / "attempt", facts=facts)
        rows = iter(_probabilities(ended, folder / "attempt" / LOGITS, (readable, task.num_classes)))
    finally:
        waiting.discard()
    return [
        Prediction(image=path, problem=problems[index]) if index in problems else _prediction(path, task, next(rows))
        for index, path in enumerate(images)
    ]


def _copy(images: Sequence[Path], folder: Path) -> dict[int, str]:
    """Copy the files to where the job sees them, by number; return what is wrong with those that cannot be."""
    problems = {}
    for index, path in enumerate(images):
        try:
            _copy_file(path, folder / f"{index:08}")
        except OSError as error:
            problems[index] = error.strerror or str(error)
    return problems


def _copy_file(source: Path, target: Path) -> None:
    """Copy a regular file; a device or a pipe might never end.

    Raises:
        OSError: it is none, it is too large, or it cannot be read.
    """
    if not source.is_file() and source.exists():
        raise OSError("no regular file")
    if source.stat().st_size > IMAGE_BYTES:
        raise OSError(f"larger than {IMAGE_BYTES >> 20} MiB")
    shutil.copyfile(source, target)


def _prepare(model: Model, sandbox: Sandbox, folder: Path) -> dict[int, str]:
    """Have the copies stored as the dataset was; return what is wrong with those that cannot be read."""
    size = "x".join(map(str, model.task.image_size)) if model.task.image_size else "any"
    options = {
        "--channels": model.task.channels,
        "--size": size,
        "--max-side": model.preparation.max_side,
        "--ceiling": model.preparation.ceiling,
    }
    job = Job(
        name="prepare",
        arguments=("-m", "harness.prepare.unlabelled", *(f"{name}={value}" for name, value in options.items())),
        input=folder / "input",
        output=folder / "output",
        limits=Limits(seconds=SECONDS),
        mounts=(Mount(source=folder / "prepared", target="/job/dataset", writable=True),),
        wanted={UNREADABLE: 1 << 20},
        trusted=True,
    )
    ended = run_job(sandbox, job)
    if ended.verdict is not Verdict.FINISHED or ended.status or UNREADABLE not in ended.files:
        raise AutoModelError(f"The images could not be prepared ({ended.verdict}): {ended.log[-300:].strip()}")
    unreadable = json.loads(ended.files[UNREADABLE].read_bytes())
    return {int(name): str(reason) for name, reason in unreadable.items()}


def _probabilities(ended: Ended, logits: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    try:
        return softmax(read_logits(logits, *shape))
    except InvalidLogitsError as error:
        raise AutoModelError(f"The model failed on these images ({error}): {ended.log[-300:].strip()}") from None


def _prediction(image: Path, task: Task, probabilities: NDArray[np.float64]) -> Prediction:
    best = int(np.argmax(probabilities))
    return Prediction(image=image, label=task.classes[best], probability=float(probabilities[best]))
