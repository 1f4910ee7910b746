"""Predictions as a person reads them, or as another program does: one line each, written as they come."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Protocol, TextIO

from harness.report import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.predict import Prediction

LABEL_WIDTH = 30
"""Characters of a class in a table; the longest names are cut."""


class Writer(Protocol):
    """Writes images that could be read; the others are told elsewhere."""

    def write(self, prediction: Prediction) -> None: ...


class Table:
    """For the terminal: classes with their probabilities, and the file last, whose name may have any length."""

    def __init__(self, file: TextIO, classes: Sequence[str], top: int) -> None:
        self._file = file
        self._width = min(LABEL_WIDTH, max(map(len, ("class", *map(_flat, classes)))))
        print("  ".join([f"{'class':<{self._width}}  {'prob.':<6}"] * top + ["file"]), file=file)

    def write(self, prediction: Prediction) -> None:
        ranked = (f"{_flat(label)[: self._width]:<{self._width}}  {share:.4f}" for label, share in prediction.top)
        print("  ".join([*ranked, _flat(str(prediction.image))]), file=self._file)


def _flat(text: str) -> str:
    """A text on one line, that does nothing to a terminal."""
    return printable(text).translate({ord(char): " " for char in "\n\t"})


class Csv:
    """For a spreadsheet: `file,label,probability`, then the same of the other classes that were asked for."""

    def __init__(self, file: TextIO, top: int) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        more = (name for rank in range(2, top + 1) for name in (f"label_{rank}", f"probability_{rank}"))
        self._writer.writerow(["file", "label", "probability", *more])

    def write(self, prediction: Prediction) -> None:
        ranked = (value for label, share in prediction.top for value in (label, f"{share:.6f}"))
        self._writer.writerow([str(prediction.image), *ranked])


class JsonLines:
    """For a program: `{"file": ..., "label": ..., "probability": ..., "top": [{"label": ..., "probability": ...}]}`."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, prediction: Prediction) -> None:
        print(json.dumps({"file": str(prediction.image), **ranking(prediction.top)}), file=self._file)


def ranking(top: Sequence[tuple[str, float]]) -> dict[str, object]:
    """The most likely class, and all that were asked for, as JSON has them."""
    (label, share), *_ = top
    return {
        "label": label,
        "probability": round(share, 6),
        "top": [{"label": name, "probability": round(value, 6)} for name, value in top],
    }


def open_writer(style: str, file: TextIO, classes: Sequence[str], top: int) -> Writer:
    """The writer of a form: `table`, `csv` or `jsonl`."""
    match style:
        case "csv":
            return Csv(file, top)
        case "jsonl":
            return JsonLines(file)
        case _:
            return Table(file, classes, top)
