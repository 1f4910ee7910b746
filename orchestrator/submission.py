"""The end of a run where test images lack labels: the winner predicts them, and `submission.csv` says what it found."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.custody import file_checksum
from orchestrator.errors import DatasetError
from orchestrator.growing import growing_file
from orchestrator.job_files import LOGITS
from orchestrator.scoring import InvalidLogitsError, softmax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from orchestrator.components import Pipeline
    from orchestrator.dataset import Dataset, Unlabelled
    from orchestrator.execute import Executor

SUBMISSION = "submission.csv"
ROWS = "hidden/unlabelled.csv"
"""Of a dataset, as `harness.prepare` wrote it: for each row an image's id alone, or all that is to be written."""
LARGEST = 256 << 20
"""Bytes of it; a million ids take 30 million."""
AT_ONCE = 4096
"""Images whose probabilities are in memory together."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What came of it."""

    file: Path
    problem: str = ""
    """Why there is no file, in a sentence."""
    custody: Mapping[str, str] = field(default_factory=dict)
    """Checksums of the file and of what it was made from."""

    @property
    def sentence(self) -> str:
        return self.problem or f"Predictions for the images without labels: {self.file}"


def submit(run: Path, pipeline: Pipeline, weights: Path, executor: Executor) -> Submission | None:
    """Predict the images without labels and write their submission; None where there are none.

    Raises:
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    dataset = executor.dataset
    unlabelled = dataset.facts.unlabelled
    if unlabelled is None:
        return None
    file, place = run / SUBMISSION, run / "final" / "unlabelled"
    file.unlink(missing_ok=True)  # an earlier process may have been killed after it
    try:
        logits = executor.predict_unlabelled(pipeline, weights, place)
        _write(file, unlabelled, read_rows(dataset), logits)
    except InvalidLogitsError as error:
        why = (
            f"the best pipeline failed on the images without labels ({str(error).rstrip('.')}); see {place}/predict.log"
        )
        return Submission(file=file, problem=f"There is no {SUBMISSION}: {why}.")
    except DatasetError as error:
        return Submission(file=file, problem=f"There is no {SUBMISSION}: {error}")
    custody = {"submission": file_checksum(file), "logits": file_checksum(place / LOGITS)}
    return Submission(file=file, custody=custody)


def read_rows(dataset: Dataset) -> Iterator[list[str]]:
    """The rows of a submission, each id once: of an image its id alone, else a whole row.

    Raises:
        DatasetError: this is not what preparing writes.
    """
    path = dataset.folder / ROWS
    try:
        yield from _checked(path, dataset.facts.unlabelled)
    except (OSError, ValueError, csv.Error):
        raise DatasetError(f"{path} is damaged: remove {dataset.folder} and run again.") from None


def _checked(path: Path, unlabelled: Unlabelled | None) -> Iterator[list[str]]:
    """The same, with any error that there is."""
    if unlabelled is None or path.stat().st_size > LARGEST:
        raise ValueError
    seen: set[str] = set()
    images = 0
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        for row in csv.reader(file, strict=True):
            images += len(row) == 1
            if len(row) not in (1, len(unlabelled.columns)) or row[0] in seen or images > unlabelled.images:
                raise ValueError
            seen.add(row[0])
            yield row
    if images != unlabelled.images:
        raise ValueError


def _write(path: Path, unlabelled: Unlabelled, rows: Iterator[list[str]], logits: NDArray[np.float32]) -> None:
    """Write the file as a whole or not at all."""
    answers = _answers(unlabelled, logits)
    with growing_file(path, errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(unlabelled.columns)
        writer.writerows(row if len(row) > 1 else [*row, *next(answers)] for row in rows)


def _answers(unlabelled: Unlabelled, logits: NDArray[np.float32]) -> Iterator[list[str]]:
    """What stands behind the id of each image: a label, or the probability of each class."""
    order = [unlabelled.labels.index(column) for column in unlabelled.columns[1:]] if unlabelled.by_class else []
    for start in range(0, len(logits), AT_ONCE):
        some = logits[start : start + AT_ONCE]
        if order:
            yield from ([f"{share:.6g}" for share in row] for row in softmax(some)[:, order].tolist())
        else:
            yield from ([unlabelled.labels[label]] for label in some.argmax(axis=1))
