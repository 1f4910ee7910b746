"""Classify new images with the model of a run: decoded by our code, judged by the run's, in one sandbox."""

from __future__ import annotations

import json
import shutil
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contract import Task
from orchestrator.components import read_components
from orchestrator.errors import AutoModelError
from orchestrator.job_files import TASK, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.worker import Judged, Worker

SECONDS = 3600.0
"""For one request, however large its images are."""
IMAGES = 64
"""Of one request: enough that asking costs nothing, few enough to be held in memory."""
IMAGE_BYTES = 2 << 30
"""200 million pixels, the most that are read, take 1.6 GB with four channels of 16 bits."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The most likely classes of one image, or why there is none."""

    image: Path
    top: tuple[tuple[str, float], ...] = ()
    """Each with its probability, the most likely first; as many as were asked for."""
    problem: str = ""

    @property
    def label(self) -> str:
        """The most likely class; empty where there is a problem."""
        return self.top[0][0] if self.top else ""

    @property
    def probability(self) -> float:
        """That class's."""
        return self.top[0][1] if self.top else 0.0


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


def predict(images: Iterable[Path], worker: Worker, top: int = 1) -> Iterator[Prediction]:
    """Classify image files, however many, in their order; one that cannot be read has a `problem` instead.

    Raises:
        AutoModelError: the model failed.
    """
    rest = iter(images)
    sent: deque[list[tuple[Path, str]]] = deque()
    while chunk := list(islice(rest, IMAGES)):
        sent.append(_send(chunk, worker))
        if len(sent) > 1:  # one is being judged while the next is copied
            yield from _receive(sent.popleft(), worker, top)
    while sent:
        yield from _receive(sent.popleft(), worker, top)


def top_classes(judged: Judged, classes: Sequence[str], top: int) -> tuple[tuple[str, float], ...]:
    """So many classes with their probabilities, the most likely first; none of what could not be read."""
    if isinstance(judged, str):
        return ()
    return tuple((classes[index], float(judged[index])) for index in np.argsort(-judged, kind="stable")[:top])


def _send(images: Sequence[Path], worker: Worker) -> list[tuple[Path, str]]:
    """Put a request together; return each image with what kept it from being in there."""
    folder = worker.stage()
    sent = []
    for index, path in enumerate(images):
        problem = ""
        try:
            _copy_file(path, folder / f"{index:04}")
        except OSError as error:
            problem = error.strerror or str(error)
        sent.append((path, problem))
    worker.put(sum(not problem for _, problem in sent))
    return sent


def _receive(sent: Sequence[tuple[Path, str]], worker: Worker, top: int) -> Iterator[Prediction]:
    answers = iter(worker.take(SECONDS))
    for path, problem in sent:
        judged = problem or next(answers)
        known = top_classes(judged, worker.classes, top)
        yield Prediction(image=path, top=known, problem=judged if isinstance(judged, str) else "")


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
