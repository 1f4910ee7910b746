"""Sheets of images for a language model that sees: drawn in the sandbox, never decoded on the host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.job_files import LOGITS, SHEET
from orchestrator.jobs import SHEET_BYTES
from orchestrator.scoring import InvalidLogitsError, read_logits, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.dataset import Dataset, HiddenName
    from orchestrator.jobs import Jobs

ORDER = "sheet.json"
MISTAKES = 24
"""The labels of so many validation images are shown to the analyst, each time."""
MISTAKE_COLUMNS = 6
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Cell:
    """One image of a sheet, as the harness reads it."""

    index: int
    caption: str
    """Lines; each is cut to a thumbnail's width."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image that a network is wrong about."""

    index: int
    """In its split."""
    truth: str
    said: str
    confidence: float

    @property
    def cell(self) -> Cell:
        return Cell(self.index, f"true: {self.truth}\nsaid {self.confidence:.2f}: {self.said}")


class SheetError(Exception):
    """Raised when there is no sheet; whoever wanted one goes on without."""


class Sheets:
    """The sheets of one run. No job waits ahead: without torch, all of it takes about a second."""

    def __init__(self, jobs: Jobs, dataset: Dataset) -> None:
        self.jobs = jobs
        self.dataset = dataset

    def contact_sheet(self) -> bytes:
        """A PNG of up to 48 training images, each captioned with its class: drawn when the dataset was prepared.

        Raises:
            SheetError: there is none.
        """
        return read_sheet(self.dataset.sheet)

    def worst_mistakes(self, attempt: Path) -> bytes:
        """A PNG of up to 24 validation images that an attempt is most surely wrong about; kept in `mistakes/` there.

        A caption is two lines: `true: cat`, `said 0.97: dog`. So the analyst learns the labels of these images. That is
        intended: it is no generated code, and what it says of them reaches the engineers as words alone.

        Raises:
            SheetError: none was drawn, or there are no mistakes, or no logits.
            SandboxError: the sandbox failed.
        """
        mistakes = self.mistakes(attempt, "validation")
        if not mistakes:
            raise SheetError("There is no image of validation to show.")
        return self.draw(mistakes, "validation", attempt / "mistakes")

    def mistakes(self, attempt: Path, split: HiddenName) -> list[Mistake]:
        """What an attempt is most surely wrong about, the worst first.

        Raises:
            SheetError: there are no logits.
        """
        classes, labels = self.dataset.facts.classes, self.dataset.hidden_labels(split)
        try:
            probabilities = softmax(read_logits(attempt / LOGITS, len(labels), len(classes)))
        except InvalidLogitsError as error:
            raise SheetError(str(error)) from None
        chosen = choose_mistakes(probabilities, labels)
        return [_mistake(index, classes[labels[index]], classes, probabilities[index]) for index in chosen]

    def draw(self, mistakes: Sequence[Mistake], split: HiddenName, into: Path) -> bytes:
        """A PNG of these images of a split, left in a folder with its order and its log.

        Raises:
            SheetError: none was drawn.
            SandboxError: the sandbox failed.
        """
        into.mkdir(parents=True, exist_ok=True)
        (into / SHEET).unlink(missing_ok=True)  # an old one must not pass for the new
        order = {
            "channels": self.dataset.facts.channels,
            "columns": min(MISTAKE_COLUMNS, len(mistakes)),
            "cells": [asdict(mistake.cell) for mistake in mistakes],
        }
        ended = self.jobs.start_sheet(self.dataset.folder / split).run_order(ORDER, order, into)
        return read_sheet(into / SHEET, ended.log)


def choose_mistakes(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> list[int]:
    """Indices of the rows of (N, K) whose largest value is not at the label, the largest first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return [int(index) for index in wrong[order][:MISTAKES]]


def _mistake(index: int, truth: str, classes: Sequence[str], probabilities: NDArray[np.float64]) -> Mistake:
    said = int(probabilities.argmax())
    return Mistake(index=index, truth=truth, said=classes[said], confidence=float(probabilities[said]))


def read_sheet(path: Path, log: str = "") -> bytes:
    """The bytes of a PNG file, which nothing here looks into.

    Raises:
        SheetError: it is not there, or no PNG, or larger than 2 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SHEET_BYTES + 1)
    except OSError:
        last = log.strip().rpartition("\n")[2]
        raise SheetError(f"No sheet was drawn: {last[:300]}") from None
    if len(content) > SHEET_BYTES or not content.startswith(SIGNATURE):
        raise SheetError(f"{path} is no PNG file of at most {SHEET_BYTES >> 20} MiB.")
    return content
