"""Sheets of images for a language model that sees: chosen here, drawn in the sandbox, never decoded on the host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.jobs import LOGITS, SHEET, SHEET_BYTES
from orchestrator.scoring import InvalidLogitsError, read_logits, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.dataset import Dataset, SplitName
    from orchestrator.jobs import Jobs

ORDER = "sheet.json"
CELLS = 48
"""The harness draws no more."""
MISTAKES = 24
"""The labels of so many validation images are shown to the analyst, each time."""
COLUMNS = 8
WIDE = 12
"""Columns of the widest sheet: 1,400 pixels, of the 1,568 that Anthropic looks at."""
MISTAKE_COLUMNS = 6
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Cell:
    """One image of a sheet, as the harness reads it."""

    index: int
    caption: str
    """Lines; each is cut to a thumbnail's width."""


class SheetError(Exception):
    """Raised when there is no sheet; whoever wanted one goes on without."""


class Sheets:
    """Draws the sheets of one run. None waits ahead: without torch, all of it takes about a second."""

    def __init__(self, jobs: Jobs, dataset: Dataset, folder: Path) -> None:
        """`folder`: where the contact sheet is kept, with what was asked for and the log of the job."""
        self.jobs = jobs
        self.dataset = dataset
        self.folder = folder

    def contact_sheet(self) -> bytes:
        """A PNG of up to 48 training images, the classes in turn, each captioned with its class.

        Raises:
            SheetError: none was drawn.
            SandboxError: the sandbox failed.
        """
        classes = self.dataset.facts.classes
        labels = np.load(self.dataset.folder / "train" / "labels.npy", allow_pickle=False)
        cells = [Cell(index, classes[labels[index]]) for index in choose_in_turn(labels, len(classes))]
        return self._draw("train", cells, columns(len(classes)), self.folder)

    def worst_mistakes(self, attempt: Path) -> bytes:
        """A PNG of up to 24 validation images that an attempt is most surely wrong about; kept in `mistakes/` there.

        A caption is two lines: `true: cat`, `said 0.97: dog`. So the analyst learns the labels of these images. That is
        intended: it is no generated code, and what it says of them reaches the engineers as words alone.

        Raises:
            SheetError: none was drawn, or there are no mistakes, or no logits.
            SandboxError: the sandbox failed.
        """
        classes, labels = self.dataset.facts.classes, self.dataset.hidden_labels("validation")
        try:
            probabilities = softmax(read_logits(attempt / LOGITS, len(labels), len(classes)))
        except InvalidLogitsError as error:
            raise SheetError(str(error)) from None
        cells = [
            Cell(index, _mistake(classes[labels[index]], classes, probabilities[index]))
            for index in choose_mistakes(probabilities, labels)
        ]
        return self._draw("validation", cells, MISTAKE_COLUMNS, attempt / "mistakes")

    def _draw(self, split: SplitName, cells: Sequence[Cell], columns: int, into: Path) -> bytes:
        if not cells:
            raise SheetError(f"There is no image of {split} to show.")
        into.mkdir(parents=True, exist_ok=True)
        (into / SHEET).unlink(missing_ok=True)  # an old one must not pass for the new
        order = {
            "channels": self.dataset.facts.channels,
            "columns": min(columns, len(cells)),
            "cells": [asdict(cell) for cell in cells],
        }
        ended = self.jobs.start_sheet(self.dataset.folder / split).run_order(ORDER, order, into)
        return read_sheet(into / SHEET, ended.log)


def choose_in_turn(labels: NDArray[np.int64], classes: int) -> list[int]:
    """Indices into labels (N,): as many of each class as fit, spread over all that it has, the classes in turn."""
    shown = min(classes, CELLS)
    spread = [_spread(np.flatnonzero(labels == label), CELLS // shown) for label in range(shown)]
    return [index for turn in zip_longest(*spread) for index in turn if index is not None]


def _spread(positions: NDArray[np.int64], count: int) -> list[int]:
    """So many of them at equal distances, the first included; all where there are fewer."""
    count = min(count, len(positions))
    return [int(positions[step * len(positions) // count]) for step in range(count)]


def choose_mistakes(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> list[int]:
    """Indices of the rows of (N, K) whose largest value is not at the label, the largest first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return [int(index) for index in wrong[order][:MISTAKES]]


def _mistake(truth: str, classes: Sequence[str], probabilities: NDArray[np.float64]) -> str:
    said = int(probabilities.argmax())
    return f"true: {truth}\nsaid {probabilities[said]:.2f}: {classes[said]}"


def columns(classes: int) -> int:
    """Of a contact sheet: each class keeps to its own columns where that is not too wide."""
    if classes <= COLUMNS:
        return COLUMNS // classes * classes
    return classes if classes <= WIDE else COLUMNS


def read_sheet(path: Path, log: str) -> bytes:
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
