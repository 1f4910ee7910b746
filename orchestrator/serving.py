"""A worker at work, another one ready to take its place, and a short queue before them.

Whoever waits in the queue is answered in turn. A worker that died, hung or lied is ended and replaced; so is one whose
model failed twice in a row, for a GPU's driver may be what failed.
"""

from __future__ import annotations

import queue
import shutil
import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from orchestrator.errors import AutoModelError
from orchestrator.worker import ModelError, WorkerError
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.worker import Judged, Worker

WAITING = 16
"""Requests that may wait for their turn."""
LOOK_SECONDS = 1.0
"""How often it is looked at, while nobody asks, whether the worker still lives."""
FAILURES = 2
"""In a row, after which a worker is replaced."""


class BusyError(AutoModelError):
    """Raised when a request cannot be taken, or was not begun in time."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Some images that somebody waits for."""

    images: Sequence[BinaryIO]
    until: float
    """When it must have been begun, on the monotonic clock."""
    judged: Future[list[Judged]] = field(default_factory=Future)


class Serving:
    """Answers requests from a thread of its own, one after the other."""

    def __init__(self, begin: Callable[[], Worker], seconds: float, tell: Callable[[str], None]) -> None:
        """Load a model and begin.

        `begin` starts a worker; `seconds`: for a request, first to wait and then to be judged; `tell`: of replacements.

        Raises:
            AutoModelError: the model cannot be loaded.
        """
        self._begin = begin
        self._seconds = seconds
        self._tell = tell
        self._queue: queue.Queue[Request | None] = queue.Queue(WAITING)
        self._failures = 0
        self._closing = False
        self._worker: Worker | None = None
        self._ready: Worker | None = None
        """It waits, with its libraries imported."""
        self._thread = threading.Thread(target=self._serve, name="serving")
        try:
            self._replace()
        except BaseException:
            self._end_workers()
            raise
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether a request would be answered now, or soon."""
        return self._worker is not None and not self._worker.ended

    def submit(self, images: Sequence[BinaryIO]) -> Future[list[Judged]]:
        """Ask for these images; they must stay open until it is done. Cancelling it is safe.

        Raises:
            BusyError: too many wait already.
        """
        request = Request(images=images, until=monotonic() + self._seconds)
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            raise BusyError(f"{WAITING} requests wait already: try again later.") from None
        return request.judged

    def close(self) -> None:
        """End the workers and the thread; who waits is told so.

        Raises:
            SandboxError: something of a worker is left.
        """
        self._closing = True
        try:
            self._end_workers()  # and what is being judged with them
        finally:
            self._refuse_waiting()
            self._queue.put(None)
            self._thread.join()
            self._end_workers()  # one that was being started meanwhile

    def _serve(self) -> None:
        while (request := self._next()) is not None:
            if not request.judged.set_running_or_notify_cancel():
                continue
            try:
                request.judged.set_result(self._judge(request))
            except Exception as error:  # noqa: BLE001 - whatever it is, the next request has its turn
                request.judged.set_exception(error)
                self._mend(error)

    def _next(self) -> Request | None:
        while True:
            with suppress(queue.Empty):
                return self._queue.get(timeout=LOOK_SECONDS)
            if self._worker is not None and self._worker.ended:
                self._mend(WorkerError("The model's process has ended."))

    def _judge(self, request: Request) -> list[Judged]:
        if self._closing or monotonic() > request.until:
            raise BusyError(f"It had to wait for more than {self._seconds:g} s: try again later.")
        if self._worker is None or self._worker.ended:  # its life was over, or it could not be replaced before
            self._replace()
        worker = self._worker
        assert worker is not None
        folder = worker.stage()
        for index, image in enumerate(request.images):
            with (folder / f"{index:04}").open("xb") as file:
                shutil.copyfileobj(image, file)
        worker.put(len(request.images))
        judged = worker.take(self._seconds)
        self._failures = 0
        return judged

    def _mend(self, error: Exception) -> None:
        """Have a worker that can be asked again."""
        self._failures += 1
        if isinstance(error, ModelError) and self._failures < FAILURES:
            return
        if self._closing or isinstance(error, BusyError):
            return
        self._tell(f"{error} Another worker takes over.")
        try:
            self._replace()
        except (AutoModelError, SandboxError, OSError) as failed:
            self._tell(f"It cannot: {failed}")

    def _replace(self) -> None:
        """Load the model in the worker that is ready, and start the next one."""
        self._failures = 0
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        if self._ready is None or self._ready.ended:
            self._ready = self._begin()
        try:
            self._ready.load()
        except BaseException:
            self._ready.close()
            self._ready = None
            raise
        self._worker, self._ready = self._ready, None
        if not self._closing:
            self._ready = self._begin()

    def _end_workers(self) -> None:
        with ExitStack() as everyone:  # it goes on after an error, and raises it at its end
            for worker in (self._worker, self._ready):
                if worker is not None:
                    everyone.callback(worker.close)

    def _refuse_waiting(self) -> None:
        while True:
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return
            if request is not None and request.judged.set_running_or_notify_cancel():
                request.judged.set_exception(WorkerError("The server is being ended."))
