"""The CSV file that a script leaves: `file,class`, a line for each image. It may hold anything, or be no file at all.

An image without a line, or with a class that there is not, has no prediction, which is for whoever scores to judge. Of
two lines for one image the last counts; lines for other files, and further columns, are passed over. A path counts as
the name of its file.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LINE_BYTES = 512
"""Of a line on the average, with a path and the name of a class; a larger file is refused unread."""
NONE = -1
"""No prediction."""
COLUMNS = ("file", "class")


class InvalidPredictionsError(ValueError):
    """Raised when no prediction can be had of a script; the sentence says why."""


def read_predictions(path: Path, files: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """The number of the class that is given for each file, or `NONE`: (files,).

    Raises:
        InvalidPredictionsError: there is no such file, it is no CSV file with these columns, or nothing in it counts.
    """
    lines = csv.reader(io.StringIO(_text(path, (len(files) + 1) * LINE_BYTES), newline=""), strict=True)
    rows = {name: row for row, name in enumerate(files)}
    labels = {name: label for label, name in enumerate(classes)}
    predicted = np.full(len(files), NONE, dtype=np.int64)
    try:
        at_file, at_class = _columns([cell.strip().lower() for cell in next(lines, [])], path.name)
        for line in filter(None, lines):
            row = rows.get(line[at_file].strip().rpartition("/")[2])
            if row is not None:
                predicted[row] = labels.get(line[at_class].strip(), NONE)
    except csv.Error as error:
        raise InvalidPredictionsError(f"Line {lines.line_num} of {path.name} is no CSV: {error}.") from None
    except IndexError:
        raise InvalidPredictionsError(f"Line {lines.line_num} of {path.name} has too few columns.") from None
    if (predicted == NONE).all():
        raise InvalidPredictionsError(f"No line of {path.name} names a test image and a class that there are.")
    return predicted


def _text(path: Path, most: int) -> str:
    if not path.is_file():  # a pipe would be waited for
        raise InvalidPredictionsError(f"The script ended and left no {path.name}.")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise InvalidPredictionsError(f"{path.name} has more than {most} bytes.")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPredictionsError(f"{path.name} cannot be read: {type(error).__name__}.") from None


def _columns(header: list[str], name: str) -> tuple[int, int]:
    if missing := [column for column in COLUMNS if column not in header]:
        raise InvalidPredictionsError(f"{name} has no column {missing[0]!r}; its header is {','.join(header)[:80]!r}.")
    return header.index("file"), header.index("class")
