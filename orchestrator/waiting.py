"""Jobs that were started ahead of their need. To lose one costs the seconds of a start, so it is never an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from orchestrator.ahead import Ahead


class Waiting:
    """At most one of each name."""

    def __init__(self, starts: Mapping[str, Callable[[], Ahead]], log: FilteringBoundLogger) -> None:
        """`starts`: what starts a job of a name."""
        self._starts = starts
        self._log = log
        self._jobs: dict[str, Ahead] = {}

    def start(self, name: str) -> None:
        """Start a job ahead, where none of its name waits; if that fails, it is tried again when it is needed."""
        if name in self._jobs:
            return
        try:
            self._jobs[name] = self._starts[name]()
        except (SandboxError, OSError) as error:
            self._log.warning("job not started ahead", job=name, error=str(error))

    def take(self, name: str) -> Ahead:
        """The job that waits, or a new one: where none does, or where it has ended, because it gave up or died.

        Raises:
            SandboxError: a new one cannot be started.
        """
        job = self._jobs.pop(name, None)
        if job is not None and job.running.ended:
            self._log.warning("job ended before its need", job=name)
            self._discard(job)
            job = None
        return job or self._starts[name]()

    def drop(self) -> None:
        """End all that wait."""
        while self._jobs:
            self._discard(self._jobs.popitem()[1])

    def _discard(self, job: Ahead) -> None:
        try:
            job.discard()
        except SandboxError as error:
            self._log.warning("job not removed", job=job.name, error=str(error))
