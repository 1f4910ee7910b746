"""The rows of Table 2 that nobody but a grid designs: full fine-tuning and Visual Prompt Tuning of ViT-B/16.

As Jia et al. 2022 do it on VTAB-1k: each point of the grid is trained on the 800 training images and chosen by the 200
validation images; the best is trained once more on all 1,000 and meets the test images, once.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.bench.paper.grid import PAPER
from orchestrator.bench.paper.measured import Accuracy, Measured
from orchestrator.blinding import Blinding
from orchestrator.checking_commands import jobs_outside
from orchestrator.components import Pipeline
from orchestrator.compute import find_compute
from orchestrator.custody import harness_checksum
from orchestrator.errors import AutoModelError
from orchestrator.execute import Executor, Terms
from orchestrator.job_files import WEIGHTS
from orchestrator.journal import Journal
from orchestrator.outcome import Crashed, Trained
from orchestrator.prepare import open_dataset
from orchestrator.refit import refit, score_refit
from orchestrator.run import make_profile
from orchestrator.weights import available_weights
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report import Report
    from orchestrator.bench.paper.grid import Grid, Method, Point
    from orchestrator.outcome import Outcome
    from orchestrator.settings import Settings
    from orchestrator.view import View
    from sandbox.base import Sandbox

RECIPES = Path(__file__).parent / "recipes"
REFIT = "refit"
ALL = Terms(hold_out=False)
"""No tuning images are kept from `train`: nothing in it is decided by them."""


def tuned(  # noqa: PLR0913, PLR0917 - the real parts, and what of them is asked
    method: Method, settings: Settings, sandbox: Sandbox, view: View, folder: Path, grid: Grid = PAPER
) -> Measured:
    """Measure one cell: the grid, the refit, the test images; what the folder holds already is not made again.

    `settings`: dataset, seed, clock of a training; `folder`: of this cell alone.

    Raises:
        AutoModelError: the pretrained weights are not there, or the dataset cannot be used.
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    if grid.tag and grid.network not in available_weights(settings.weights_dir):
        raise AutoModelError(
            f"{method} starts from pretrained weights that are not in {settings.weights_dir}: "
            f"`automodel weights fetch {grid.network}` gets them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    dataset = open_dataset(settings, sandbox, view.event)
    task = make_profile(settings, dataset, find_compute(settings, sandbox)).task
    blinding = Blinding(dataset, folder)
    with (
        jobs_outside(settings, sandbox, view, folder) as jobs,
        closing(Executor(jobs, blinding, task)) as executor,
        closing(Journal(folder)) as journal,
    ):
        measured = Tuner(method=method, grid=grid, executor=executor, journal=journal, view=view).measure()
    blinding.clear()
    return measured


@dataclass(frozen=True, kw_only=True)
class Tuner:
    """What measures one cell."""

    method: Method
    grid: Grid
    executor: Executor
    journal: Journal
    """Of the cell; its folder holds what ran."""
    view: View

    def measure(self) -> Measured:
        """Try every point, train the best one on all images, test that."""
        points = self.grid.points(self.method)
        tried = [(point, self._try(point, f"{at} of {len(points)}")) for at, point in enumerate(points, start=1)]
        trained = [(point, outcome) for point, outcome in tried if isinstance(outcome, Trained)]
        crashes = [outcome for _, outcome in tried if isinstance(outcome, Crashed)]
        seconds = sum(outcome.seconds for _, outcome in tried)
        if not trained:
            return Measured(test=None, problem=f"No setting trained: {crashes[0].crash.error}", seconds=seconds)
        best, validated = max(trained, key=lambda each: (each[1].score.accuracy, -each[0].rate))
        failed = partial(Measured, test=None, validation=Accuracy.of(validated.score))
        again = self._refit(best)
        seconds += again.seconds
        if isinstance(again, Crashed):
            return failed(problem=f"The best setting crashed on all images: {again.crash.error}", seconds=seconds)
        tested = self._test(best)
        seconds += tested.seconds
        if isinstance(tested, Crashed):
            return failed(problem=f"The best setting crashed on the test images: {tested.crash.error}", seconds=seconds)
        return Measured(
            test=Accuracy.of(tested.score),
            validation=Accuracy.of(validated.score),
            seconds=seconds,
            notes=self._notes(best, again.report, len(points), len(crashes)),
        )

    def _try(self, point: Point, number: str) -> Outcome:
        """Train a point and validate it; its weights are of no more use."""
        self.view.phase(f"{self.method}, {number}: {point.key}")
        outcome = self._once(f"points/{point.key}", point, partial(self.executor.execute, terms=ALL))
        (self.journal.folder / "points" / point.key / WEIGHTS).unlink(missing_ok=True)
        return outcome

    def _refit(self, point: Point) -> Outcome:
        self.view.phase(f"{self.method}: {point.key} is trained once more, on all but the test images")

        def train(pipeline: Pipeline, attempt: Path) -> Outcome:
            return refit(pipeline, self.executor, attempt, ALL)

        return self._once(REFIT, point, train)

    def _test(self, point: Point) -> Outcome:
        self.view.phase(f"{self.method}: it meets the test images")

        def score(pipeline: Pipeline, place: Path) -> Outcome:
            return score_refit(pipeline, self.journal.folder / REFIT, self.executor, place, ALL)

        return self._once("test", point, score)

    def _once(self, place: str, point: Point, execute: Callable[[Pipeline, Path], Outcome]) -> Outcome:
        """What executing it in this folder of the cell came to, now or in an earlier process."""
        pipeline, task = pipeline_of(point), self.executor.task
        parts = (pipeline.checksum, self.executor.dataset.checksum, f"{task.seconds:g}", harness_checksum())
        under = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        if known := self.journal.executed(place, under, task.seed):
            return known
        folder = self.journal.folder / place
        shutil.rmtree(folder, ignore_errors=True)
        outcome = execute(pipeline, folder)
        self.journal.record_execution(place, under, task.seed, outcome)
        return outcome

    def _notes(self, best: Point, report: Report, tried: int, crashed: int) -> str:
        grid, epochs = self.grid, int(report.curve[-1]["epoch"]) if report.curve else 0
        notes = [
            f"{grid.network}, {'pretrained' if grid.tag else 'from scratch: no pretrained weights at this scale'}",
            f"best of {tried} settings on validation: {best.key}",
            f"{report.parameters:,} of {report.parameters + report.frozen:,} parameters trained",
            *([f"{crashed} settings crashed"] if crashed else []),
            *([f"the clock ended it after {epochs} of {grid.epochs} epochs"] if epochs < grid.epochs else []),
        ]
        return "; ".join(notes)


def pipeline_of(point: Point) -> Pipeline:
    return Pipeline(**read_recipe("vit", RECIPES).fill(point.values))
