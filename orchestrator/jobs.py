"""The two jobs of an attempt, started ahead of their need, and the job that draws.

Starting a container and importing torch takes about 4 s. A job is therefore started early and waits for its
components; none runs twice.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report import REPORT_BYTES, Event
from orchestrator.ahead import Ahead
from orchestrator.job_files import LOGITS, REPORT, SHEET, WEIGHTS
from sandbox.base import Job, Limits, Mount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from orchestrator.compute import Compute
    from sandbox.base import Sandbox

CHECK_SECONDS = 300.0
"""For start-up, the check and saving, beside the clock of `train`; after that the sandbox kills the job."""
CHECK_SHARE = 0.4
"""Of these, for the check."""
TEAM_SECONDS = 12 * 3600.0
"""What a job that is started ahead waits for a team, beside the jobs before its own: a slow model writes for hours."""
SHEET_SECONDS = 60.0
"""It takes less than one; a busy machine may need a few to start it."""
SHEET_BYTES = 2 << 20
"""48 thumbnails of pure noise fit into it, unpacked."""


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
        bait: Path | None = None,
        check_seconds: float = CHECK_SECONDS,
        device: str = "",
    ) -> None:
        """For one run.

        `weights`: the folder of pretrained ones; `folder`: for the files of jobs that wait or run; `bait`: a folder of
        false labels, which jobs see as /job/hidden; `check_seconds`: as `CHECK_SECONDS`; `device`: the one GPU that
        they may have, of those that the sandbox tells apart.
        """
        self.sandbox = sandbox
        self.compute = compute
        self.weights = weights
        self.folder = folder
        self.on_event = on_event
        self.log = log
        self.bait = bait
        self.check_seconds = check_seconds
        self.device = device
        self._started = 0
        shutil.rmtree(folder, ignore_errors=True)

    def start_fit(self, train: Path, seconds: float) -> Ahead:
        """The job that checks and trains; `train`: images and labels; `seconds`: the clock of the component."""
        return self._start(
            "fit",
            limits=self._limits(seconds * 1.1 + self.check_seconds, self.compute.output),
            mounts=self._mounts({"/job/train": train}),
            wanted={REPORT: REPORT_BYTES, WEIGHTS: self.compute.output // 2},
            gpu=self.compute.gpu,
        )

    def start_predict(self, images: Path, logits: int, seconds: float) -> Ahead:
        """The job that gives logits, so many numbers, of the images in a folder."""
        return self._start(
            "predict",
            limits=self._limits(seconds + self.check_seconds, 8 * logits + 4 * REPORT_BYTES),
            mounts=self._mounts({"/job/images": images}),
            wanted={REPORT: REPORT_BYTES, LOGITS: 4 * logits},
            gpu=self.compute.gpu,
        )

    def start_serve(self, answer_bytes: int, seconds: float, on_event: Callable[[Event], None]) -> Ahead:
        """The job that answers requests, for so long: see `Worker`."""
        return self._start(
            "serve",
            limits=self._limits(seconds + self.check_seconds, 4 * answer_bytes + 4 * REPORT_BYTES),
            mounts=self._mounts({}),
            wanted={REPORT: REPORT_BYTES},
            gpu=self.compute.gpu,
            answer_bytes=answer_bytes,
            on_event=on_event,
        )

    def start_script(self, train: Path, images: Path, logits: int, seconds: float, laid: tuple[int, int]) -> Ahead:
        """The job that runs a whole program, for so long. `laid`: bytes and files that are laid out for it in /tmp."""
        limits = self._limits(seconds + self.check_seconds, 8 * logits + 4 * REPORT_BYTES)
        size, files = laid
        return self._start(
            "script",
            limits=replace(limits, scratch=self.compute.output + size, scratch_files=limits.scratch_files + files),
            mounts=self._mounts({"/job/train": train, "/job/images": images}),
            wanted={REPORT: REPORT_BYTES, LOGITS: 4 * logits},
            gpu=self.compute.gpu,
        )

    def start_sheet(self, images: Path) -> Ahead:
        """The job that draws images of a folder side by side: our own code alone, on the CPU."""
        return self._start(
            "sheet",
            limits=self._limits(SHEET_SECONDS, 4 * SHEET_BYTES),
            mounts=(Mount(source=images, target="/job/images"),),
            wanted={SHEET: SHEET_BYTES},
            gpu=False,
        )

    def _limits(self, seconds: float, output: int) -> Limits:
        """Of a job that takes so long, at most. Started ahead it waits for a fit and a predict, each no longer."""
        return Limits(
            seconds=seconds,
            idle=2 * seconds + TEAM_SECONDS,
            memory=self.compute.memory,
            cpus=self.compute.cpus,
            output=output,
        )

    def _mounts(self, images: Mapping[str, Path]) -> tuple[Mount, ...]:
        """Of a job that runs components."""
        sources = {**images, "/job/weights": self.weights, "/job/hidden": self.bait}
        return tuple(Mount(source=source, target=target) for target, source in sources.items() if source)

    def _start(  # noqa: PLR0913 - what makes a job, each part of it named
        self,
        name: str,
        *,
        limits: Limits,
        mounts: tuple[Mount, ...],
        wanted: dict[str, int],
        gpu: bool,
        answer_bytes: int = 0,
        on_event: Callable[[Event], None] | None = None,
    ) -> Ahead:
        self._started += 1
        folder = self.folder / f"{self._started:04}-{name}"
        for part in (folder / "input", folder / "output"):
            part.mkdir(parents=True)
            part.chmod(0o755)
        job = Job(
            name=name,
            arguments=("-m", "harness", name),
            input=folder / "input",
            output=folder / "output",
            limits=limits,
            mounts=mounts,
            wanted=wanted,
            answer_bytes=answer_bytes,
            gpu=gpu,
            device=self.device,
        )
        cores = max(1, int(self.compute.cpus))
        facts = {
            "cpus": cores,
            "workers": cores,
            "check_seconds": self.check_seconds * CHECK_SHARE,
            "predict_seconds": limits.seconds - self.check_seconds / 2,
        }
        self.log.debug("job started", job=name, folder=str(folder), seconds=limits.seconds)
        begun = threading.Event()

        def tell(event: Event) -> None:
            begun.set()
            (on_event or self.on_event)(event)

        running = self.sandbox.start(job, tell)
        return Ahead(
            name=name,
            running=running,
            folder=folder,
            facts=facts,
            log=self.log,
            begun=begun,
            on_event=self.on_event,
        )
