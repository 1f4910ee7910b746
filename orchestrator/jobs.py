"""The two jobs of an attempt, started ahead of their need.

Starting a container and importing torch takes about 4 s. A job is therefore started early and waits for its
components; none runs twice.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.report import REPORT_BYTES
from orchestrator.components import write_components
from sandbox.base import Job, Limits, Mount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from harness.contract import Task
    from harness.report import Event
    from orchestrator.components import ComponentName, Pipeline
    from orchestrator.compute import Compute
    from sandbox.base import Ended, Running, Sandbox

CHECK_SECONDS = 300.0
"""For start-up, the check and saving, beside the clock of `train`; after that the sandbox kills the job."""
BEGIN_SECONDS = 20.0
"""A job that died before it began must not be waited for; a busy machine imports torch in 15 s."""
WEIGHTS = "weights.safetensors"
LOGITS = "logits.f32"
REPORT = "report.json"
TASK = "task.json"


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

    def run(
        self,
        task: Task,
        pipeline: Pipeline,
        names: tuple[ComponentName, ...],
        into: Path,
        meanwhile: Callable[[], None] | None = None,
    ) -> Ended:
        """Deliver its components, let it run, and move what it left to `into`: `fit.log`, `fit-report.json` ...

        `meanwhile` is called once it has begun: what else starts then does not slow its start.

        Raises:
            SandboxError: the sandbox failed.
        """
        try:
            write_components(pipeline, self.folder / "input" / "components", names)
            task_facts = {**asdict(task), **self.facts}
            for folder in (self.folder / "input", into):
                (folder / TASK).write_text(json.dumps(task_facts), encoding="utf-8")
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
        return name if name in (WEIGHTS, LOGITS) else f"{self.name}-{name}"

    def discard(self) -> None:
        """End it, wherever it is, and remove its folder."""
        self.running.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Jobs:
    """Starts the jobs of one run."""

    def __init__(  # noqa: PLR0913 - the real parts, wired in one place
        self,
        *,
        sandbox: Sandbox,
        compute: Compute,
        weights: Path | None,
        folder: Path,
        on_event: Callable[[Event], None],
        log: FilteringBoundLogger,
    ) -> None:
        """`weights`: the folder of pretrained ones; `folder`: for the files of jobs that wait or run."""
        self.sandbox = sandbox
        self.compute = compute
        self.weights = weights
        self.folder = folder
        self.on_event = on_event
        self.log = log
        self._started = 0
        shutil.rmtree(folder, ignore_errors=True)

    def start_fit(self, train: Path, seconds: float) -> Ahead:
        """The job that checks and trains; `train`: images and labels; `seconds`: the clock of the component."""
        return self._start(
            "fit",
            seconds=seconds * 1.1 + CHECK_SECONDS,
            output=self.compute.output,
            mounts=(Mount(source=train, target="/job/train"),),
            wanted={WEIGHTS: self.compute.output // 2},
        )

    def start_predict(self, images: Path, logits: int, seconds: float) -> Ahead:
        """The job that gives logits, so many numbers, of the images in a folder."""
        return self._start(
            "predict",
            seconds=seconds + CHECK_SECONDS,
            output=8 * logits + 4 * REPORT_BYTES,
            mounts=(Mount(source=images, target="/job/images"),),
            wanted={LOGITS: 4 * logits},
        )

    def _start(
        self, name: str, *, seconds: float, output: int, mounts: tuple[Mount, ...], wanted: dict[str, int]
    ) -> Ahead:
        self._started += 1
        folder = self.folder / f"{self._started:04}-{name}"
        for part in (folder / "input", folder / "output"):
            part.mkdir(parents=True)
            part.chmod(0o755)
        if self.weights:
            mounts = (*mounts, Mount(source=self.weights, target="/job/weights"))
        job = Job(
            name=name,
            arguments=("-m", "harness", name),
            input=folder / "input",
            output=folder / "output",
            limits=Limits(seconds=seconds, memory=self.compute.memory, cpus=self.compute.cpus, output=output),
            mounts=mounts,
            wanted={REPORT: REPORT_BYTES, **wanted},
            gpu=self.compute.gpu,
        )
        cores = max(1, int(self.compute.cpus))
        facts = {"cpus": cores, "workers": cores, "predict_seconds": seconds - CHECK_SECONDS / 2}
        self.log.debug("job started", job=name, folder=str(folder), seconds=seconds)
        begun = threading.Event()

        def tell(event: Event) -> None:
            begun.set()
            self.on_event(event)

        running = self.sandbox.start(job, tell)
        return Ahead(name=name, running=running, folder=folder, facts=facts, log=self.log, begun=begun)
