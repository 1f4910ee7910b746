"""Make again what a run gave out: from its components, with its seed and data, in its image; then compare.

Not covered: another machine gives other last bits, and a training that its clock ended gives other weights; both should
lie inside the intervals all the same.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from orchestrator.average import Member, NoAverageError, make_average
from orchestrator.blinding import Blinding
from orchestrator.components import read_components
from orchestrator.errors import AutoModelError
from orchestrator.execute import Terms
from orchestrator.job_files import TASK, WEIGHTS
from orchestrator.outcome import Crashed, Trained
from orchestrator.predict import read_task
from orchestrator.recorded import by_clock
from orchestrator.refit import IMAGES, merged
from orchestrator.retrain import retrainer
from orchestrator.run_folder import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.contract import Task
    from orchestrator.components import Pipeline
    from orchestrator.dataset import Dataset, HiddenName
    from orchestrator.execute import Executor
    from orchestrator.jobs import Jobs
    from orchestrator.outcome import Outcome
    from orchestrator.recorded import Recorded

REPORT = "reproduction.json"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One split's accuracy, then and now."""

    split: HiddenName
    recorded: float
    interval: tuple[float, float]
    found: float
    same: bool | None
    """Whether the logits are identical, bit for bit; None where those of then were not recorded."""

    @property
    def inside(self) -> bool:
        return self.interval[0] <= self.found <= self.interval[1]


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What came of it."""

    crash: str = ""
    compared: tuple[Compared, ...] = field(default=())
    remarks: tuple[str, ...] = ()
    """Why logits may differ."""

    @property
    def reproduced(self) -> bool:
        return bool(self.compared) and all(each.inside for each in self.compared)

    @property
    def sentence(self) -> str:
        if self.crash:
            return f"Not reproduced: it crashed ({self.crash.rstrip('.')})."
        parts = [
            f"{each.split} {each.found:.4f} lies {'inside' if each.inside else 'outside'} "
            f"{each.interval[0]:.4f} to {each.interval[1]:.4f} (it was {each.recorded:.4f})"
            for each in self.compared
        ]
        known = [each.same for each in self.compared if each.same is not None]
        bits = "the logits are identical, bit for bit" if known and all(known) else "the logits are not identical"
        because = f" ({'; '.join(self.remarks)})" if self.remarks and not (known and all(known)) else ""
        return f"{'Reproduced' if self.reproduced else 'Not reproduced'}: {', '.join(parts)}; {bits}{because}."


def reproduce(recorded: Recorded, dataset: Dataset, jobs: Jobs, tell: Callable[[str], None]) -> Reproduction:
    """Train it again, predict both splits, compare; `reproduction.json` says the same. `tell`: what goes on.

    Raises:
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    place = recorded.run / "reproduction"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    blinding = Blinding(dataset, recorded.run)
    try:
        made = _Maker(recorded=recorded, blinding=blinding, jobs=jobs, place=place, tell=tell).make()
    finally:
        blinding.clear()
        shutil.rmtree(place, ignore_errors=True)
    write_json(recorded.run / REPORT, {"reproduced": made.reproduced, "sentence": made.sentence, **asdict(made)})
    return made


@dataclass(frozen=True, kw_only=True)
class _Maker:
    recorded: Recorded
    blinding: Blinding
    jobs: Jobs
    place: Path
    tell: Callable[[str], None]

    def make(self) -> Reproduction:
        recorded, terms = self.recorded, Terms(hold_out=not self.recorded.refit)
        with ExitStack() as stack:
            executor = stack.enter_context(self._executor(recorded.model.task, refit=recorded.refit))
            outcome = self._average(executor) if recorded.members else self._train(executor, recorded.model.pipeline)
            if isinstance(outcome, Crashed):
                return Reproduction(crash=outcome.crash.error)
            self.tell("reproduce: test images")
            weights = self.place / "again" / WEIGHTS
            tested = executor.score_test(recorded.model.pipeline, weights, self.place / "test", terms)
        if isinstance(tested, Crashed):
            return Reproduction(crash=tested.crash.error)
        found: dict[HiddenName, Trained] = {"validation": outcome, "test": tested}
        compared = tuple(self._compare(split, found[split]) for split in found if split in recorded.scores)
        clock = recorded.by_clock or by_clock(asdict(outcome.report), recorded.model.task.seconds)
        remarks = (*recorded.remarks, *(["the training followed its clock"] if clock else []))
        return Reproduction(compared=compared, remarks=remarks)

    def _train(self, executor: Executor, pipeline: Pipeline, name: str = "again") -> Outcome:
        self.tell(f"reproduce: training with seed {executor.task.seed}")
        return executor.execute(pipeline, self.place / name, Terms(hold_out=not self.recorded.refit))

    def _average(self, winner: Executor) -> Outcome:
        """Each member trained again, then averaged as they were."""
        members: list[Member] = []
        for number, folder in enumerate(self.recorded.members):
            pipeline = read_components(folder / "components")
            with self._executor(read_task(folder / TASK), refit=False) as executor:
                outcome = self._train(executor, pipeline, f"member-{number}")
            if isinstance(outcome, Crashed):
                return outcome
            members.append(Member(pipeline=pipeline, attempt=self.place / f"member-{number}", outcome=outcome))
        self.tell(f"reproduce: average of {self.recorded.form}")
        try:
            return make_average(self.recorded.form, members, winner, self.place / "again").outcome
        except NoAverageError as error:
            raise AutoModelError(
                f"The networks trained again have no average of {self.recorded.form}: {error}"
            ) from None

    @contextmanager
    def _executor(self, task: Task, *, refit: bool) -> Iterator[Executor]:
        with ExitStack() as stack:
            images = merged(self.blinding.dataset, self.place / IMAGES) if refit else None
            train = stack.enter_context(images) if images else None
            yield stack.enter_context(retrainer(task, self.blinding, self.jobs, train=train))

    def _compare(self, split: HiddenName, found: Trained) -> Compared:
        then = self.recorded.scores[split]
        logits = self.recorded.logits.get(split)
        return Compared(
            split=split,
            recorded=then.accuracy,
            interval=then.interval,
            found=found.score.accuracy,
            same=None if logits is None else found.custody["logits"] == logits,
        )
