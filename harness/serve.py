"""The phase `serve`: one request after the other to answers, with a model that is loaded once.

Request 1 is the folder `input/requests/000001`, whose files are images as they came from outside. They are decoded and
stored as the dataset was, in memory, here. It never ends by itself.
"""

from __future__ import annotations

import json
import os
from itertools import count
from time import sleep
from typing import TYPE_CHECKING

from PIL import Image

from harness.answer import Answer
from harness.blame import blame
from harness.examples import without_labels
from harness.forward import batch_size_for
from harness.images import InMemory
from harness.loader import Alike, load
from harness.network import give_logits
from harness.predict import load_pipeline
from harness.prepare.guess import explain
from harness.prepare.parallel import in_order
from harness.prepare.single import Shape, pixels_of
from harness.threads import count_operations, use_threads

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from harness.channel import Channel
    from harness.job import Job
    from harness.predict import Loaded

POLL_SECONDS = 0.002


def serve(job: Job, channel: Channel, *, halvings: int) -> None:  # noqa: ARG001 - halves by itself, see `in_parts`
    """Answer requests until somebody ends it."""
    Image.MAX_IMAGE_PIXELS = None  # `pixels_of` refuses such images itself
    order = json.loads((job.folders.input / "serve.json").read_bytes())
    shape = Shape(job.task.channels, job.task.image_size, order["max_side"], order["ceiling"])
    server = Server(job, load_pipeline(job, channel), shape)
    channel.step("answer requests", "model")
    for number in count(1):
        answer = server.answer(_await(job.folders.input / "requests" / f"{number:06}"))
        _give(answer, job.folders.out, number)


class Server:
    """Turns a request into its answer, whatever the images are and the components do."""

    def __init__(self, job: Job, loaded: Loaded, shape: Shape) -> None:
        self._job = job
        self._loaded = loaded
        self._shape = shape
        self._batch_size = 0
        self._operations = 0.0

    def answer(self, folder: Path) -> Answer:
        decoded = list(in_order(self._decode, sorted(folder.iterdir())))
        pixels = [image for image in decoded if not isinstance(image, str)]
        error, rows = "", []
        try:
            rows = self._logits(pixels) if pixels else []
        except BaseException as raised:  # noqa: BLE001 - sys.exit() in a component is a crash like any other
            error = blame(raised, "model", self._job.folders.input).error
        none = bytes(4 * self._job.task.num_classes)
        given = iter(rows)
        return Answer(
            error=error,
            problems=tuple(image if isinstance(image, str) else "" for image in decoded),
            logits=tuple(none if isinstance(image, str) else next(given, none) for image in decoded),
        )

    def _decode(self, path: Path) -> NDArray[np.uint8] | str:
        """The pixels as a dataset of this kind would give them, or what is wrong with the file."""
        try:
            return pixels_of(path.read_bytes(), self._shape)
        except Exception as error:  # noqa: BLE001 - Pillow's readers raise whatever a broken file makes them meet
            return explain(error)

    def _logits(self, pixels: list[NDArray[np.uint8]]) -> list[bytes]:
        """Of each image, as bytes."""
        task = self._job.task
        images = len(pixels)
        # Whether the transform takes a batch would be tried five times for each request.
        examples = without_labels(InMemory(pixels), self._loaded.transform, one_size=False)
        if not self._batch_size:
            self._batch_size = batch_size_for(examples, task.device)
            self._operations = count_operations(self._loaded.model, examples, task.device)
        use_threads(self._operations * min(images, self._batch_size), self._job.settings.cpus)
        batches = load(examples, Alike(images, self._batch_size), 0, again=False, pinned=False)
        rows: list[bytes] = []
        give_logits(
            self._loaded.forward,
            batches,
            images,
            task,
            lambda part: rows.extend(row.astype("<f4").tobytes() for row in part),
        )
        return rows


def _await(folder: Path) -> Path:
    """A request is there as a whole or not at all."""
    while not folder.exists():
        sleep(POLL_SECONDS)
    return folder


def _give(answer: Answer, out: Path, number: int) -> None:
    """Leave an answer, whole at any moment; whoever asks again has had the one before."""
    (out / f"answer-{number - 1:06}").unlink(missing_ok=True)
    part = out / "answer.part"
    part.write_bytes(answer.dump())
    os.replace(part, out / f"answer-{number:06}")  # noqa: PTH105 - as pathlib's, and says that it is atomic
