"""The winner trained once more, on everything but the test images, when nothing is left to be chosen.

What is held back for choices is a fifth to a quarter of the labelled images; a classifier that is handed out can have
them. Its validation images are then images that it has learnt, so that it has no validation number.
"""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.blinding import ARRAY, ENCODED, OFFSETS
from orchestrator.execute import USUAL, Executor, Terms
from orchestrator.jobs import WEIGHTS
from orchestrator.outcome import Crashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from harness.contract import Task
    from orchestrator.components import Pipeline
    from orchestrator.dataset import Dataset
    from orchestrator.outcome import Outcome, Trained
    from orchestrator.scoring import Score

    Execute: TypeAlias = Callable[[Executor, Pipeline, Path, Terms], Outcome]

LABELS = "labels.npy"
LEARNT = 0.9
"""Of the training images: the others are for tuning. The clock is longer by as much as there is more to learn from."""
AT_ONCE = 1 << 20
"""Bytes in memory of the images that are copied."""


@dataclass(frozen=True, kw_only=True)
class Refit:
    """What came of it."""

    attempt: Path
    """A folder like that of any attempt: components, weights, task."""
    terms: Terms
    """On which it was trained, and predicts: pass them to whatever predicts with it."""
    task: Task
    """Its counts are those of all images that it learnt from."""
    test: Trained | None
    """On the test images; None where the winner stays."""
    sentence: str
    """What it is, or why the winner stays."""


def refit(  # noqa: PLR0913 - what is trained, by what, on which terms
    pipeline: Pipeline,
    validation: Score,
    executor: Executor,
    place: Path,
    *,
    terms: Terms = USUAL,
    execute: Execute = Executor.execute,
) -> Refit:
    """Train a pipeline on train, tuning and validation images; score it on the test images unless it is plainly broken.

    Args:
        pipeline: The winner's components.
        validation: The winner's score: with the same images learnt, the refit must not fall below its interval there.
        executor: Of the run.
        place: A folder to be made, with `attempt/` and `test/`; the merged images in it are removed.
        terms: On which the winner was trained.
        execute: What executes, by an executor: it may know from an earlier process what comes of it.

    Raises:
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    executor.drop_waiting()
    dataset, task = executor.dataset, learning_all(terms.task(executor.task), executor.dataset)
    terms = Terms(hold_out=False)
    attempt = place / "attempt"
    with merged(dataset, place / "train") as train:
        apart = Executor(executor.jobs, executor.blinding, task, train=train, ahead=False, supply=executor.supply)
        with closing(apart):
            outcome = execute(apart, pipeline, attempt, terms)
            problem = _problem(outcome, validation)
            tested = None if problem else apart.score_test(pipeline, attempt / WEIGHTS, place / "test", terms)
    if isinstance(tested, Crashed):
        problem, tested = f"crashed on the test images ({tested.crash.error})", None
    sentence = (
        f"The refit {problem}: the winner stays as it was trained."
        if problem
        else f"A refit: the winner's pipeline trained once more, on all {task.train_size} images that are not test "
        "images; it has no validation number, for it has learnt those images."
    )
    return Refit(attempt=attempt, terms=terms, task=task, test=tested, sentence=sentence)


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


def _problem(outcome: Outcome, validation: Score) -> str:
    """What is wrong with a refit, as a part of a sentence; no test image is asked."""
    if isinstance(outcome, Crashed):
        return f"crashed ({outcome.crash.error.rstrip('.')})"
    if outcome.score.accuracy < validation.interval[0]:
        return (
            f"gets {outcome.score.accuracy:.4f} right of validation images that it has learnt, where the winner gets "
            f"{validation.accuracy:.4f} of them unseen"
        )
    return ""
