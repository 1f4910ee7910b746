"""A started job as both sandboxes have it: one thread drains it, one clock bounds it, one verdict ends it."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandbox import environment
from sandbox.base import MIB, Ended, SandboxError, Verdict
from sandbox.frames import BrokenFramesError, End, Receiver
from sandbox.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.report import Event
    from sandbox.base import Job

SLACK_SECONDS = 30.0
"""PID 1 keeps the deadline; the host's clock runs this much longer, plus the time to send a full output folder."""
SEND_RATE = 10 * MIB
"""Bytes a second that sending reaches even on a busy machine; a quiet one does 20 times that."""
KILL_SECONDS = 30.0
SIGKILLED = 128 + 9


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What the host itself knows of a container that has ended."""

    status: int
    oom: bool
    """The kernel killed someone in it for memory."""


class Container(Protocol):
    """What a backend starts, and the four things that can be done with it."""

    def chunks(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Pieces of PID 1's stdout and stderr as they come, until both are closed."""
        ...

    def kill(self) -> None:
        """Kill everything in it now; harmless when it has ended."""
        ...

    def hang_up(self) -> None:
        """Let `chunks` end although the container may still run."""
        ...

    def remove(self) -> Remains:
        """Leave nothing of it; called once, after `chunks` has ended, in the thread that read them.

        Raises:
            SandboxError: it cannot be removed, or still ran.
        """
        ...


class Attendance:
    """All jobs of one sandbox.

    A job is started and ended on a thread of the sandbox: an interrupt hits the main thread alone, so it can never fall
    between a container's start and its being known here, nor between two ends. And bwrap dies with the *thread* that
    started it, so that thread lives as long as the sandbox.
    """

    def __init__(self, begin: Callable[[Job], Container]) -> None:
        self._begin = begin
        self._running: list[Attended] = []
        self._thread = ThreadPoolExecutor(1, "sandbox")
        self._closing: Future[None] | None = None

    def start(self, job: Job, on_event: Callable[[Event], None] | None) -> Attended:
        environment.open_input(job)
        return self._thread.submit(self._start, job, on_event).result()

    def close(self) -> None:
        """End every job, one that is just being started included, whatever one of them raises.

        Raises:
            SandboxError: one cannot be ended; all others are.
            KeyboardInterrupt: it came meanwhile; all jobs are ended.
        """
        if self._closing is None:
            self._closing = self._thread.submit(self._end_all)
            self._thread.shutdown(wait=False)
        _see_through(self._closing)

    def _start(self, job: Job, on_event: Callable[[Event], None] | None) -> Attended:
        running = Attended(job, self._begin(job), on_event)
        self._running = [*(other for other in self._running if not other.ended), running]
        return running

    def _end_all(self) -> None:
        with ExitStack() as everyone:  # it goes on after an error, and raises it at its end
            for running in self._running:
                if not running.ended:
                    everyone.callback(running.kill)


def _see_through(work: Future[None]) -> None:
    """Wait for the end of some work whatever interrupts; only then raise the interrupt, or what the work raised."""
    interrupt = None
    while not work.done():
        try:
            wait_for([work])
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt from work.exception()
    work.result()


class Attended:
    """Implements `sandbox.base.Running` for any container."""

    def __init__(self, job: Job, container: Container, on_event: Callable[[Event], None] | None) -> None:
        self._job = job
        self._container = container
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._receiver = Receiver(job.output, environment.wanted(job), self._events.put, job.answer_bytes)
        self._log = Tail()
        self._began: float | None = None
        self._stopped: Verdict | None = None
        self._failure: Exception | None = None
        self._drained = threading.Event()
        self._remains: Future[Remains] = Future()
        self._over: float | None = None
        self._teller = threading.Thread(target=self._tell, args=(on_event,), daemon=True)
        self._teller.start()
        threading.Thread(target=self._drain, daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left, or nothing that could be removed."""
        return self._remains.done()

    def go(self) -> None:
        environment.open_input(self._job)
        self._began = time.monotonic()
        (self._job.input / "go").touch()

    def wait(self) -> Ended:
        if not self._drained.wait(self._patience()):
            self._stop(Verdict.DEADLINE)
        return self._report(self._finish())

    def kill(self) -> None:
        self._stop(Verdict.CANCELLED)
        self._finish()  # how it ended is nobody's question any more

    def _patience(self) -> float:
        limits = self._job.limits
        slack = SLACK_SECONDS + limits.output / SEND_RATE
        if self._began is None:
            return limits.idle + slack
        return max(0.0, self._began + limits.seconds + slack - time.monotonic())

    def _stop(self, verdict: Verdict) -> None:
        if not self._drained.is_set() and self._stopped is None:
            self._stopped = verdict
            # Never in the draining thread: an engine may not kill while its output is unread (moby#41827).
            threading.Thread(target=self._container.kill, daemon=True).start()

    def _drain(self) -> None:
        try:
            for stdout, stderr in self._container.chunks():
                if stderr:
                    self._log.add(stderr)
                    if self._log.bytes > self._job.limits.log:
                        self._stop(Verdict.LOG_OVERFLOW)
                if stdout and self._failure is None:
                    self._receive(stdout)
        finally:
            self._receiver.close()
            self._events.put(None)
            self._drained.set()
            self._remove()

    def _receive(self, data: bytes) -> None:
        try:
            self._receiver.feed(data)
        except (BrokenFramesError, OSError) as error:
            self._failure = error
            self._stop(Verdict.KILLED)

    def _tell(self, on_event: Callable[[Event], None] | None) -> None:
        while (event := self._events.get()) is not None:
            if on_event is not None:
                on_event(event)

    def _remove(self) -> None:
        """In the draining thread, which no interrupt reaches: what is half removed could not be removed again."""
        self._over = time.monotonic()
        try:
            self._remains.set_result(self._container.remove())
        except Exception as error:  # noqa: BLE001 - raised where somebody waits for the end
            self._remains.set_exception(error)

    def _finish(self) -> Remains:
        if not self._drained.wait(KILL_SECONDS):
            self._container.hang_up()
        if not self._drained.wait(KILL_SECONDS):
            raise SandboxError(f"{self._job.name} was killed and does not end.")
        remains = self._remains.result()
        self._teller.join(KILL_SECONDS)
        return remains

    def _report(self, remains: Remains) -> Ended:
        if isinstance(self._failure, OSError):
            raise OSError(self._failure.errno, self._failure.strerror, str(self._job.output))
        end, refused = self._receiver.end, list(self._receiver.refused)
        if self._failure is not None:
            refused.append(f"reading stopped at {self._failure}")
        return Ended(
            verdict=verdict(self._job, self._stopped, end, remains),
            status=remains.status if end is None else end.status,
            seconds=0.0 if self._began is None or self._over is None else self._over - self._began,
            log=self._log.text(),
            files=dict(self._receiver.files),
            refused=tuple(refused),
        )


def verdict(job: Job, stopped: Verdict | None, end: End | None, remains: Remains) -> Verdict:
    """How a job ended. What the host did comes first, then what the kernel did, then what PID 1 says.

    Raises:
        SandboxError: PID 1 did not do its work, and nobody killed it.
    """
    status = remains.status if end is None else end.status
    if stopped is not None:
        return stopped
    if end is not None and end.why == "deadline":
        return Verdict.DEADLINE
    if status != 0 and (
        remains.oom or (end is not None and end.oom)
    ):  # a worker may be killed and the job still end well
        return Verdict.OUT_OF_MEMORY
    if status == SIGKILLED and (end is None or end.why == "ended"):
        return Verdict.KILLED
    if end is None:
        raise SandboxError(f"the sandbox of {job.name} ended with status {status} and without a last word.")
    if end.why != "ended":
        raise SandboxError(f"the sandbox of {job.name} gave up: {end.why}.")
    return Verdict.FINISHED
