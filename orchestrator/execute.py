"""A pipeline goes in, an outcome comes back: two jobs in two fresh containers, scored here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.report import InvalidReportError, Report
from orchestrator.components import COMPONENTS, write_components
from orchestrator.custody import seal
from orchestrator.job_files import LOGITS, WEIGHTS
from orchestrator.link import link_or_copy
from orchestrator.outcome import Crashed, Outcome, Trained
from orchestrator.postmortem import explain_fit, explain_predict
from orchestrator.scoring import InvalidLogitsError, read_logits, score, write_logits
from orchestrator.waiting import Waiting
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from harness.contract import Task
    from orchestrator.ahead import Ahead
    from orchestrator.blinding import Blinding
    from orchestrator.components import Pipeline
    from orchestrator.dataset import HiddenName
    from orchestrator.jobs import Jobs
    from orchestrator.rival import Rival
    from orchestrator.scoring import Score
    from orchestrator.supply import Supply
    from sandbox.base import Ended


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How one execution differs from what is usual in its run."""

    seed: int | None = None
    """In place of the run's."""
    seconds: float | None = None
    """The clock of `train`, in place of the run's."""
    rival: Rival = ()
    """Whom it must not fall hopelessly behind, or it is stopped early."""
    hold_out: bool = True
    """False: the tuning images are trained on, too."""

    def task(self, task: Task) -> Task:
        """The run's task on these terms."""
        seed = task.seed if self.seed is None else self.seed
        return replace(task, seed=seed, seconds=task.seconds if self.seconds is None else self.seconds)

    def facts(self) -> dict[str, Any]:
        """What the harness is told of them beside the task, of every job."""
        return {} if self.hold_out else {"hold_out": False}


USUAL = Terms()


class Executor:
    """Executes the pipelines of one run."""

    def __init__(  # noqa: PLR0913 - the real parts, wired in one place
        self,
        jobs: Jobs,
        blinding: Blinding,
        task: Task,
        *,
        train: Path | None = None,
        ahead: bool = True,
        supply: Supply | None = None,
    ) -> None:
        """For one run.

        `train`: training images and labels in place of the dataset's; `ahead`: start jobs before their need; `supply`:
        the pretrained weights, where more may come while it runs.
        """
        self.train = train or blinding.dataset.folder / "train"
        self.jobs = jobs
        self.blinding = blinding
        self.dataset = blinding.dataset
        self.task = task
        self.ahead = ahead
        self.supply = supply
        starts = {"fit": self._start_fit, "predict": lambda: self._start_predict("validation")}
        self._waiting = Waiting(starts, jobs.log)

    def start_ahead(self) -> None:
        """Start the next container that fits: call it before the team begins to think."""
        if self.ahead:
            self._waiting.start("fit")

    def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms = USUAL) -> Outcome:
        """Check, fit and predict the validation images in the sandbox, then score. `attempt`: a folder to be made.

        Raises:
            SandboxError: the sandbox failed, twice, and not the pipeline.
        """
        attempt.mkdir(parents=True)
        write_components(pipeline, attempt / "components")
        if self.supply:
            self.supply.meet(pipeline)
            self.task = self.supply.task(self.task)
        ended = self._twice(lambda: self._fit(pipeline, attempt, terms))
        report = read_report(attempt / "fit-report.json")
        if crash := explain_fit(ended, report):
            crash = self.supply.explain(crash, pipeline) if self.supply else crash
            return Crashed(crash=crash, log=ended.log, seconds=ended.seconds)
        outcome = self._predict_and_score(lambda: self._waiting.take("predict"), pipeline, attempt, "validation", terms)
        seconds = ended.seconds + outcome.seconds
        if isinstance(outcome, Crashed):
            return Crashed(crash=outcome.crash, log=outcome.log, seconds=seconds)
        return replace(outcome, report=report, seconds=seconds)

    def score_test(self, pipeline: Pipeline, weights: Path, attempt: Path, terms: Terms = USUAL) -> Outcome:
        """Predict the test images with weights that were trained on these terms, and score them: once, at the end.

        Raises:
            SandboxError: the sandbox failed, twice, and not the pipeline.
        """
        return self._score_weights(pipeline, weights, attempt, terms, "test")

    def score_validation(self, pipeline: Pipeline, weights: Path, attempt: Path, terms: Terms = USUAL) -> Outcome:
        """The same for the validation images, where weights are not of a training but made of those of several.

        Raises:
            SandboxError: the sandbox failed, twice, and not the pipeline.
        """
        return self._score_weights(pipeline, weights, attempt, terms, "validation")

    def predict_unlabelled(
        self, pipeline: Pipeline, weights: Path, attempt: Path, terms: Terms = USUAL
    ) -> NDArray[np.float32]:
        """Logits of the dataset's images without labels, by weights that were trained on these terms.

        Raises:
            InvalidLogitsError: there are none; it says why.
            SandboxError: the sandbox failed, twice, and not the pipeline.
        """
        unlabelled = self.dataset.facts.unlabelled
        assert unlabelled is not None
        attempt.mkdir(parents=True)
        link_or_copy(weights, attempt / WEIGHTS)
        images, classes = unlabelled.images, self.task.num_classes
        folder = self.dataset.folder / "unlabelled"
        seconds = self._seconds_to_predict(images)
        ended = self._twice(
            lambda: self._predict(self.jobs.start_predict(folder, images * classes, seconds), pipeline, attempt, terms)
        )
        try:
            return read_logits(attempt / LOGITS, images, classes)
        except InvalidLogitsError as error:
            crash = explain_predict(ended, read_report(attempt / "predict-report.json"), str(error))
            raise InvalidLogitsError(crash.error) from None

    def close(self) -> None:
        """End the jobs that wait."""
        try:
            self._waiting.drop()
        finally:
            shutil.rmtree(self.jobs.folder, ignore_errors=True)  # also of one that an interrupt kept from being known

    def drop_waiting(self) -> None:
        """End the jobs that wait: what comes next needs none of them, or is another executor's."""
        self._waiting.drop()

    def _score_weights(
        self, pipeline: Pipeline, weights: Path, attempt: Path, terms: Terms, split: HiddenName
    ) -> Outcome:
        attempt.mkdir(parents=True)
        link_or_copy(weights, attempt / WEIGHTS)
        self.drop_waiting()
        return self._predict_and_score(lambda: self._start_predict(split), pipeline, attempt, split, terms)

    def _start_next(self) -> None:
        """Start, while one job trains, the one that predicts after it and the one that trains after that."""
        if self.ahead:
            self._waiting.start("predict")
            self.start_ahead()

    def _start_fit(self) -> Ahead:
        return self.jobs.start_fit(self.train, self.task.seconds)

    def _start_predict(self, split: HiddenName) -> Ahead:
        blind = self.blinding.split(split)
        seconds = self._seconds_to_predict(blind.rows)
        return self.jobs.start_predict(blind.folder, blind.rows * self.task.num_classes, seconds)

    def _seconds_to_predict(self, images: int) -> float:
        """As long as a training for the validation images, which each pipeline has to predict; for more, more.

        What start-up leaves may have gone into them, too: so it grows as well, or what was just fast enough for them
        would fail at the very end, on the test images.
        """
        more = max(1, images / self.blinding.split("validation").rows)
        return self.task.seconds * more + self.jobs.check_seconds * (more - 1)

    def _twice(self, run: Callable[[], Ended]) -> Ended:
        """Run a job, and another where the sandbox fails: an engine's bad moment ends no run and costs no other job."""
        try:
            return run()
        except SandboxError as error:
            self.jobs.log.warning("sandbox failed", error=str(error))
        self._waiting.drop()  # what was started before that moment may be no better
        return run()

    def _predict_and_score(
        self, take: Callable[[], Ahead], pipeline: Pipeline, attempt: Path, split: HiddenName, terms: Terms
    ) -> Outcome:
        ended = self._twice(lambda: self._predict(take(), pipeline, attempt, terms))
        report = read_report(attempt / "predict-report.json")
        try:
            judged = self._score(attempt, split)
        except InvalidLogitsError as error:
            crash = explain_predict(ended, report, str(error))
            return Crashed(crash=crash, log=ended.log, seconds=ended.seconds)
        sealed = seal(pipeline, attempt, dataset=self.dataset.checksum, sandbox=self._sandbox)
        return Trained(score=judged, report=report, seconds=ended.seconds, custody=sealed)

    @cached_property
    def _sandbox(self) -> dict[str, str]:
        return self.jobs.sandbox.describe()

    def _fit(self, pipeline: Pipeline, attempt: Path, terms: Terms) -> Ended:
        """Train in the container that waits; where it was started for a shorter clock, in another."""
        task = terms.task(self.task)
        longer = task.seconds > self.task.seconds
        job = self.jobs.start_fit(self.train, task.seconds) if longer else self._waiting.take("fit")
        facts = terms.facts() | ({"rival": terms.rival} if terms.rival else {})
        return job.run(task, pipeline, COMPONENTS, attempt, facts=facts, meanwhile=self._start_next)

    def _predict(self, job: Ahead, pipeline: Pipeline, attempt: Path, terms: Terms) -> Ended:
        link_or_copy(attempt / WEIGHTS, job.folder / "input" / WEIGHTS)
        return job.run(terms.task(self.task), pipeline, ("data", "model"), attempt, facts=terms.facts())

    def _score(self, attempt: Path, split: HiddenName) -> Score:
        """Score what was predicted; what is kept of it is in the order of the split.

        Raises:
            InvalidLogitsError: these are no logits, or those of a cheat.
        """
        blind = self.blinding.split(split)
        presented = read_logits(attempt / LOGITS, blind.rows, self.task.num_classes)
        if suspicion := blind.suspicion(presented):
            raise InvalidLogitsError(suspicion)
        logits = blind.unblind(presented)
        write_logits(attempt / LOGITS, logits)
        return score(logits, self.dataset.hidden_labels(split))


def read_report(path: Path) -> Report:
    """What a job said of itself; an empty report where it said nothing that can be read."""
    try:
        return Report.parse(path.read_bytes())
    except (OSError, InvalidReportError):
        return Report()
