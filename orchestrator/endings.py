"""What may be given out in place of the winner as it was trained: an average, or a refit on more images."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.average import Member, choose_members, try_averages
from orchestrator.execute import Terms
from orchestrator.job_files import WEIGHTS
from orchestrator.journal import trial_folder
from orchestrator.outcome import Crashed
from orchestrator.refit import learning_all, refit, score_refit, wrecked
from orchestrator.run_folder import give_out
from orchestrator.selection import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.execute import Executor
    from orchestrator.executions import Executions
    from orchestrator.finals import Winner
    from orchestrator.journal import Journal
    from orchestrator.outcome import Outcome
    from orchestrator.scoring import Score
    from orchestrator.selection import Rule
    from orchestrator.team import Iteration

REFIT = (
    "A refit: the winner trained once more, on all {images} images that are not test images. "
    "It has no validation number, for it has learnt those images."
)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """It lies in best/ now."""

    kind: Literal["average", "refit"]
    validation: Score | None
    """None where those images were learnt."""
    test: Score
    sentence: str
    """What it is."""


@dataclass(frozen=True)
class Endings:
    """The ways in which a run may end, other than with its winner as it was trained."""

    executions: Executions
    winner: Winner
    executor: Executor
    say: Callable[[str], None]
    """Tell the user a line."""

    @property
    def journal(self) -> Journal:
        return self.executions.journal

    def average(self, history: Sequence[Iteration], rule: Rule) -> Ending | None:
        """Give out an average of what is alike if it beats the winner on validation; None where the winner stays."""
        run, won = self.journal.folder, self.winner.iteration
        members = _members(run, won)
        alike = [member for each in history if each.number != won.number for member in _members(run, each)]
        made = try_averages(
            choose_members(members[self.winner.trial], [*members, *alike]),
            self.executor,
            run / "average",
            better=lambda candidate, standing: decide((candidate,), (standing,), rule).kept,
            say=self.say,
            terms=self._terms,
        )
        if made is None:
            return None
        place = self._place(made.attempt)
        if self.journal.executed(place, made.pipeline.checksum, self._seed) is None:
            self.journal.record_execution(place, made.pipeline.checksum, self._seed, made.outcome)
        test = self._tested("average", made.pipeline, made.attempt, self.executor.score_test)
        if test is None:
            return None
        members_places = [self._place(member.attempt) for member in made.members]
        self._give_out(made.pipeline, made.attempt, form=made.form, members=members_places)
        sentence = f"An average: {made.change}, for it beat the winner on the validation images."
        return Ending(kind="average", validation=made.outcome.score, test=test, sentence=sentence)

    def refit(self) -> Ending | None:
        """Give out the winner trained once more on all but the test images; None where it stays as it was."""
        won, attempt = self.winner.iteration, self.journal.folder / "refit"
        pipeline = won.proposal.pipeline
        outcome = refit(pipeline, self.executor, attempt, self._terms, self.executions.execute_by)
        if why := wrecked(outcome, won.trials[self.winner.trial].score):
            self.say(f"     The refit {why}: the winner stays as it was trained.")
            return None

        def score(pipeline: Pipeline, _weights: Path, place: Path, terms: Terms) -> Outcome:
            return score_refit(pipeline, attempt, self.executor, place, terms)

        test = self._tested("refit", pipeline, attempt, score)
        if test is None:
            return None
        self._give_out(pipeline, attempt, refit=True)
        images = learning_all(self.executor.task, self.executor.dataset).train_size
        return Ending(kind="refit", validation=None, test=test, sentence=REFIT.format(images=images))

    @property
    def _seed(self) -> int:
        return self.executor.task.seed + self.winner.trial

    @property
    def _terms(self) -> Terms:
        return Terms(seed=self._seed)

    def _tested(
        self, kind: str, pipeline: Pipeline, attempt: Path, score: Callable[[Pipeline, Path, Path, Terms], Outcome]
    ) -> Score | None:
        """The score on the test images, taken once; None where it crashed."""
        place, won = self.journal.folder / "final" / kind, self.winner
        if known := self.journal.tested(self._place(place)):
            return known[0]
        shutil.rmtree(place, ignore_errors=True)
        tested = score(pipeline, attempt / WEIGHTS, place, self._terms)
        if isinstance(tested, Crashed):
            self.say(f"     The {kind} crashed on the test images ({tested.crash.error}): the winner stays.")
            return None
        self.journal.record(
            "final",
            iteration=won.iteration.number,
            trial=won.trial,
            place=self._place(place),
            components=self._place(attempt / "components"),
            score=asdict(tested.score),
            custody=dict(tested.custody),
        )
        return tested.score

    def _give_out(self, pipeline: Pipeline, attempt: Path, **facts: Any) -> None:
        """Put it into best/, with what it takes to make it again."""
        where = {"iteration": self.winner.iteration.number, "made": self._place(attempt)}
        give_out(self.journal.folder, pipeline, attempt, where | facts)

    def _place(self, folder: Path) -> str:
        return str(folder.relative_to(self.journal.folder))


def _members(run: Path, iteration: Iteration) -> list[Member]:
    return [
        Member(pipeline=iteration.proposal.pipeline, attempt=trial_folder(run, iteration, trial), outcome=outcome)
        for trial, outcome in enumerate(iteration.trials)
    ]
