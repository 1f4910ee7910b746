"""The winner trained once more, on everything but the test images, when nothing is left to be chosen.

What is held back for choices is a fifth to a quarter of the labelled images; a classifier that is handed out can have
them. Its validation images are then images that it has learnt, so that it has no validation number.
"""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.blinding import ARRAY, ENCODED, OFFSETS
from orchestrator.execute import Executor
from orchestrator.job_files import WEIGHTS
from orchestrator.outcome import Crashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from harness.contract import Task
    from orchestrator.components import Pipeline
    from orchestrator.dataset import Dataset
    from orchestrator.execute import Terms
    from orchestrator.outcome import Outcome
    from orchestrator.scoring import Score

    Execute: TypeAlias = Callable[[Executor, Pipeline, Path, Terms], Outcome]

LABELS = "labels.npy"
LEARNT = 0.9
"""Of the training images: the others are for tuning. The clock is longer by as much as there is more to learn from."""
IMAGES = "refit-images"
"""The folder of the merged images; a killed process leaves it."""
AT_ONCE = 1 << 20
"""Bytes in memory of the images that are copied."""


def refit(
    pipeline: Pipeline, executor: Executor, attempt: Path, terms: Terms, execute: Execute = Executor.execute
) -> Outcome:
    """Train a pipeline on train, tuning and validation images; its score, of images that it learnt, only tells a wreck.

    Args:
        pipeline: The winner's components.
        executor: Of the run.
        attempt: A folder to be made; the merged images lie beside it meanwhile.
        terms: On which the winner was trained.
        execute: What executes, by an executor: it may know from an earlier process what comes of it.

    Raises:
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    with merged(executor.dataset, attempt.with_name(IMAGES)) as train, apart(executor, train) as learner:
        return execute(learner, pipeline, attempt, replace(terms, rival=(), hold_out=False))


def score_refit(pipeline: Pipeline, attempt: Path, executor: Executor, place: Path, terms: Terms) -> Outcome:
    """Score on the test images what `refit` left. `place`: a folder to be made."""
    with apart(executor) as learner:
        return learner.score_test(pipeline, attempt / WEIGHTS, place, replace(terms, hold_out=False))


@contextmanager
def apart(executor: Executor, train: Path | None = None) -> Iterator[Executor]:
    """An executor like that of the run, for the task with all images."""
    executor.drop_waiting()
    task = learning_all(executor.task, executor.dataset)
    with closing(
        Executor(executor.jobs, executor.blinding, task, train=train, ahead=False, supply=executor.supply)
    ) as learner:
        yield learner


def wrecked(outcome: Outcome, validation: Score) -> str:
    """What went plainly wrong with a refit, as a part of a sentence; `validation`: the winner's score."""
    if isinstance(outcome, Crashed):
        return f"crashed ({outcome.crash.error.rstrip('.')})"
    if outcome.score.accuracy < validation.interval[0]:
        return (
            f"gets {outcome.score.accuracy:.4f} right of validation images that it has learnt, where the winner gets "
            f"{validation.accuracy:.4f} of them unseen"
        )
    return ""


def learning_all(task: Task, dataset: Dataset) -> Task:
    """The task, with the counts of training and validation images together, and a clock for as many epochs."""
    parts = dataset.split("train"), dataset.split("validation")
    counts = tuple(sum(both) for both in zip(*(part.counts for part in parts), strict=True))
    images = sum(counts)
    return replace(
        task, train_size=images, class_counts=counts, seconds=task.seconds * images / (LEARNT * parts[0].images)
    )


@contextmanager
def merged(dataset: Dataset, folder: Path) -> Iterator[Path]:
    """A folder with the training and the validation images and their labels, for as long as it is needed.

    Raises:
        OSError: the disk is full.
    """
    parts = [dataset.folder / "train", dataset.folder / "validation"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        labels = [np.load(parts[0] / LABELS, allow_pickle=False), dataset.hidden_labels("validation")]
        np.save(folder / LABELS, np.concatenate(labels).astype(np.int64))
        if (parts[0] / ARRAY).exists():
            _merge_arrays(parts, folder / ARRAY)
        else:
            _merge_encoded(parts, folder)
        for path in (folder.parent, folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask: the job reads it under another uid
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _merge_arrays(parts: Sequence[Path], into: Path) -> None:
    arrays = [np.load(part / ARRAY, mmap_mode="r", allow_pickle=False) for part in parts]
    header = {"descr": np.lib.format.dtype_to_descr(arrays[0].dtype), "fortran_order": False}
    shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
    with into.open("wb") as target:
        np.lib.format.write_array_header_1_0(target, header | {"shape": shape})
        for part, array in zip(parts, arrays, strict=True):
            with (part / ARRAY).open("rb") as source:
                source.seek(array.offset)
                shutil.copyfileobj(source, target, AT_ONCE)


def _merge_encoded(parts: Sequence[Path], folder: Path) -> None:
    offsets = [np.load(part / OFFSETS, allow_pickle=False) for part in parts]
    np.save(folder / OFFSETS, np.concatenate([offsets[0], offsets[0][-1] + offsets[1][1:]]))
    with (folder / ENCODED).open("wb") as target:
        for part in parts:
            with (part / ENCODED).open("rb") as source:
                shutil.copyfileobj(source, target, AT_ONCE)
