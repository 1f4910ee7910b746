"""One job that has loaded a model and answers requests: images go in as files, answers are read as strictly as logits.

A container of its own for each request would cost seconds. What a request leaves behind can only be seen by the model
of the same person, which has no network and nothing to write to but its answers.
"""

from __future__ import annotations

import json
import queue
import shutil
import struct
import threading
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import asdict, replace
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from harness.answer import Answer, InvalidAnswerError, answer_bytes
from harness.report import ANSWERED
from orchestrator.components import write_components
from orchestrator.errors import AutoModelError
from orchestrator.execute import read_report
from orchestrator.job_files import REPORT, TASK, WEIGHTS
from orchestrator.link import link_or_copy
from orchestrator.postmortem import explain_predict
from orchestrator.scoring import softmax
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.report import Event
    from orchestrator.jobs import Jobs
    from orchestrator.predict import Model

    Judged: TypeAlias = str | NDArray[np.float64]
    """What is wrong with an image, or the probabilities of its classes."""

LIFE_SECONDS = 24 * 3600.0
"""Then the sandbox ends it, and another one takes its place."""
LOAD_SECONDS = 300.0
"""A busy machine imports torch in 15 s, and large weights take as long again."""
LOOK_SECONDS = 0.1
"""How often it is looked at whether it still lives; an answer is heard at once."""
TRIAL_SIDE = 64
"""Of the grey image that a model is tried on, in pixels."""


class ModelError(AutoModelError):
    """Raised when the model gave no logits for a request; it can be asked again."""


class WorkerError(AutoModelError):
    """Raised when a worker died, was too slow, or gave what is no answer; it cannot be asked again."""


class SlowWorkerError(WorkerError):
    """Raised when it did not answer in time."""


class Worker:
    """Takes requests and gives answers, in the same order."""

    def __init__(self, model: Model, jobs: Jobs, most: int) -> None:
        """Start its job, which imports torch and waits for `load`; `most`: images of a request."""
        self.classes = model.task.classes
        self._model = model
        self._task = replace(model.task, device=jobs.compute.device)  # it may have been trained on another machine
        self._arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._heard = 0
        self._asked = 0
        self._put = 0
        self._waiting: deque[int] = deque()
        """Images of each request that has no answer; the first is being judged."""
        size = answer_bytes(max(1, most), len(self.classes))
        self._ahead = jobs.start_serve(size, LIFE_SECONDS, self._hear)
        self._requests = self._ahead.folder / "input" / "requests"

    @property
    def ended(self) -> bool:
        """Whether it lives no more, whatever ended it."""
        return self._ahead.running.ended

    def load(self) -> None:
        """Load the model, and try it on a grey image.

        Raises:
            WorkerError: it cannot be loaded.
            ModelError: it cannot judge any image.
        """
        place = self._ahead.folder / "input"
        write_components(self._model.pipeline, place / "components", ("data", "model"))
        link_or_copy(self._model.weights, place / WEIGHTS)
        facts = {**self._ahead.facts, "hold_out": self._model.hold_out}
        (place / TASK).write_text(json.dumps({**asdict(self._task), **facts}), encoding="utf-8")
        (place / "serve.json").write_text(json.dumps(asdict(self._model.preparation)), encoding="utf-8")
        self._requests.mkdir()
        self._ahead.running.go()
        (self.stage() / "trial").write_bytes(_grey_png(TRIAL_SIDE))
        self.put(1)
        self.take(LOAD_SECONDS)

    def stage(self) -> Path:
        """A new folder for the images of the next request, which are judged in the order of their names."""
        folder = self._requests / f".{self._put + 1:06}"
        folder.mkdir()
        return folder

    def put(self, images: int) -> None:
        """Ask what lies in the folder of `stage`: so many images, at most as many as were announced.

        One at a time: the job takes an answer away when it gives the next.
        """
        self._put += 1
        staged = self._requests / f".{self._put:06}"
        for path in staged.iterdir():
            path.chmod(0o644)  # whatever the umask: the job reads it under another uid
        staged.chmod(0o755)
        self._waiting.append(images)
        if len(self._waiting) == 1:
            self._ask()

    def take(self, seconds: float) -> list[Judged]:
        """Wait for the answer to the earliest request that has none.

        Raises:
            WorkerError: there is none in so many seconds, or never will be, or it is none.
            ModelError: it says that the model failed.
        """
        path = self._ahead.folder / "output" / self._next_answer(seconds)
        data = path.read_bytes()
        path.unlink()
        shutil.rmtree(self._requests / f"{self._asked:06}")
        images = self._waiting.popleft()
        if self._waiting:
            self._ask()
        try:
            answer = Answer.parse(data, images, len(self.classes))
        except InvalidAnswerError as error:
            raise WorkerError(f"The model did not answer as it must: {error}") from None
        if answer.error:
            raise ModelError(f"The model failed on these images: {answer.error}")
        logits = np.frombuffer(b"".join(answer.logits), dtype="<f4").reshape(images, len(self.classes))
        if not np.isfinite(logits).all():
            raise WorkerError("The model gave logits that are not finite.")
        return [problem or row for problem, row in zip(answer.problems, softmax(logits), strict=True)]

    def close(self) -> None:
        """End it, whatever it does.

        Raises:
            SandboxError: something of it is left.
        """
        self._ahead.discard()

    def _ask(self) -> None:
        self._asked += 1
        (self._requests / f".{self._asked:06}").rename(self._requests / f"{self._asked:06}")

    def _hear(self, event: Event) -> None:
        if event.kind != ANSWERED:
            return
        self._heard += 1
        if self._heard <= self._asked:
            self._arrived.put(event.text)
        else:  # it would fill the disk; not in this thread, which tells of its end
            threading.Thread(target=self._ahead.running.kill, daemon=True).start()

    def _next_answer(self, seconds: float) -> str:
        limit = monotonic() + seconds
        while (left := limit - monotonic()) > 0:
            ended = self.ended
            with suppress(queue.Empty):
                return self._arrived.get(timeout=0 if ended else min(left, LOOK_SECONDS))
            if ended:
                raise WorkerError(f"The model failed: {self._last_words()}")
        raise SlowWorkerError(f"The model did not answer within {seconds:g} s.")

    def _last_words(self) -> str:
        """Why it ended."""
        try:
            ended = self._ahead.running.wait()
        except SandboxError as error:
            return str(error)
        crash = explain_predict(ended, read_report(self._ahead.folder / "output" / REPORT), "")
        return f"{crash.error} {ended.log[-300:].strip()}".strip()


def _grey_png(side: int) -> bytes:
    """An image of nothing: the host has no library for images."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x80" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
