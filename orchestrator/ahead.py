"""A job that was started ahead of its need: it waits for its components, runs once, and leaves its files."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.report import Event
from orchestrator.components import write_components
from orchestrator.job_files import LOGITS, SHEET, TASK, WEIGHTS

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from harness.contract import Task
    from orchestrator.components import ComponentName, Pipeline
    from sandbox.base import Ended, Running

BEGIN_SECONDS = 20.0
"""A job that died before it began must not be waited for; a busy machine imports torch in 15 s."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """A started job that waits for its components."""

    name: str
    running: Running
    folder: Path
    """Its input and output, until it has ended."""
    facts: Mapping[str, float]
    """What the harness is told beside the task."""
    log: FilteringBoundLogger
    begun: threading.Event
    """Set when it has imported torch and met its components."""
    on_event: Callable[[Event], None]

    def run(  # noqa: PLR0913 - one job, each part of it named
        self,
        task: Task,
        pipeline: Pipeline,
        names: tuple[ComponentName, ...],
        into: Path,
        *,
        facts: Mapping[str, Any] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Ended:
        """Deliver its components, let it run, and move what it left to `into`: `fit.log`, `fit-report.json` ...

        `facts`: more that the harness is told beside the task; `meanwhile` is called once it has begun: what else
        starts then does not slow its start.

        Raises:
            SandboxError: the sandbox failed.
        """
        try:
            write_components(pipeline, self.folder / "input" / "components", names)
            return self.run_order(TASK, {**asdict(task), **self.facts, **(facts or {})}, into, meanwhile)
        finally:
            self.discard()

    def run_order(
        self, name: str, order: Mapping[str, Any], into: Path, meanwhile: Callable[[], None] | None = None
    ) -> Ended:
        """The same for a job that needs no component: a JSON file of this name, beside what lies in its input already.

        Raises:
            SandboxError: the sandbox failed.
        """
        try:
            for folder in (self.folder / "input", into):
                (folder / name).write_text(json.dumps(order), encoding="utf-8")
            self.on_event(Event(kind="phase", text="waiting for the sandbox to start"))
            self.running.go()
            if meanwhile:
                self.begun.wait(BEGIN_SECONDS)
                meanwhile()
            ended = self.running.wait()
            facts = {"job": self.name, "into": str(into), "verdict": ended.verdict, "status": ended.status}
            self.log.info("job ended", **facts, seconds=round(ended.seconds, 3), refused=ended.refused)
            for path in (self.folder / "output").iterdir():
                path.rename(into / self.place(path.name))
            (into / f"{self.name}.log").write_text(ended.log, encoding="utf-8")
        finally:
            self.discard()
        return ended

    def place(self, name: str) -> str:
        """What a file of this job is called in the attempt's folder."""
        return name if name in (WEIGHTS, LOGITS, SHEET) else f"{self.name}-{name}"

    def discard(self) -> None:
        """End it, wherever it is, and remove its folder.

        Raises:
            SandboxError: something of it is left.
        """
        self.running.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
