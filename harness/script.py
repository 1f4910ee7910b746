"""The job `script`: one whole program, as a person would run it; logits come out, one class of each image being 1.

`script.json`: {"classes": [...], "channels": 1, "seconds": 1200, "place": "/tmp/work"}. There it finds `train/`, a
folder of image files for each class, and `test/`, the images to predict, and there it leaves `predictions.csv`. It runs
in an interpreter of its own. What it does is nobody's concern but its end: a script that did not end by itself, with
exit status 0, is no result, whatever it had written until then. An image that it says nothing about has zeros.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from harness.blame import Fault
from harness.child import run_child
from harness.image_files import folder_names, image_files
from harness.predictions import InvalidPredictionsError, read_predictions

if TYPE_CHECKING:
    from harness.child import Ending
    from harness.job import Folders
    from harness.progress import Progress

SCRIPT = "script.py"
PREDICTIONS = "predictions.csv"


def run_script(folders: Folders, progress: Progress) -> None:
    """Lay out what the script is told of, run it, and leave what it predicted."""
    order = json.loads((folders.input / "script.json").read_bytes())
    place, names = Path(order["place"]), folder_names(order["classes"])
    progress.begin("lay out images", 0)
    began = monotonic()
    files = _lay_out(folders, place, names, order["channels"])
    progress.end(monotonic() - began)
    progress.begin("script", 0)
    began = monotonic()
    ending = run_child(lambda _: _become_script(place), lambda _: None, lambda _: began + order["seconds"])
    progress.end(monotonic() - began)
    try:
        _require_end(ending, order["seconds"])
        predicted = read_predictions(place / PREDICTIONS, files, names)
    except InvalidPredictionsError as error:
        progress.crash(Fault(culprit=None, error=str(error), traceback=""))
    else:
        one_hot = np.vstack([np.eye(len(names), dtype="<f4"), np.zeros((1, len(names)), dtype="<f4")])
        folders.logits.write_bytes(one_hot[predicted].tobytes())  # NONE, -1, is the row of zeros
    progress.write()


def _lay_out(folders: Folders, place: Path, names: list[str], channels: int) -> list[str]:
    """Write script and images; return the names of the files to predict."""
    labels = np.load(folders.train / "labels.npy", allow_pickle=False).tolist()
    for name in names:
        (place / "train" / name).mkdir(parents=True)
    for label, (file, content) in zip(labels, image_files(folders.train, channels), strict=True):
        (place / "train" / names[label] / file).write_bytes(content)
    (place / "test").mkdir()
    shown = []
    for file, content in image_files(folders.images, channels):
        (place / "test" / file).write_bytes(content)
        shown.append(file)
    (place / SCRIPT).write_bytes((folders.input / SCRIPT).read_bytes())
    return shown


def _become_script(place: Path) -> None:
    """Be what `python script.py` is: nothing of ours is left in the process."""
    os.chdir(place)
    os.execv(sys.executable, [sys.executable, SCRIPT])  # noqa: S606 - no shell is wanted


def _require_end(ending: Ending, seconds: float) -> None:
    """Let pass what ended well.

    Raises:
        InvalidPredictionsError: it did not.
    """
    if ending.late:
        raise InvalidPredictionsError(f"The script did not end within its {seconds:g} s and was killed.")
    if ending.status:
        raise InvalidPredictionsError(f"The script failed: {ending}.")
