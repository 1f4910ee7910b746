"""What may be given out in place of the winner as it was trained: an average, or a refit on more images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from orchestrator.average import Member, choose_members, try_averages
from orchestrator.jobs import WEIGHTS
from orchestrator.journal import trial_folder
from orchestrator.outcome import Crashed, Trained
from orchestrator.refit import refit
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
    from orchestrator.scoring import Score
    from orchestrator.selection import Rule
    from orchestrator.team import Iteration


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
        )
        if made is None:
            return None
        place = run / "final" / "average"
        tested = self.executor.score_test(made.pipeline, made.attempt / WEIGHTS, place)
        if isinstance(tested, Crashed):
            self.say(f"     The average crashed on the test images ({tested.crash.error}): the winner stays.")
            return None
        self._give_out(made.pipeline, made.attempt, tested, place)
        sentence = f"An average: {made.change}, for it beat the winner on the validation images."
        validation = made.outcome.score
        return Ending(kind="average", validation=validation, test=tested.score, sentence=sentence)

    def refit(self) -> Ending | None:
        """Give out the winner trained once more on all but the test images; None where it stays as it was."""
        run, won = self.journal.folder, self.winner.iteration
        pipeline, validation = won.proposal.pipeline, won.trials[self.winner.trial].score
        made = refit(pipeline, validation, self.executor, run / "refit", execute=self.executions.execute_by)
        if made.test is None:
            self.say(f"     {made.sentence}")
            return None
        self._give_out(pipeline, made.attempt, made.test, run / "refit" / "test")
        return Ending(kind="refit", validation=None, test=made.test.score, sentence=made.sentence)

    def _give_out(self, pipeline: Pipeline, attempt: Path, tested: Trained, place: Path) -> None:
        run, won = self.journal.folder, self.winner
        self.journal.record_once(
            "final",
            iteration=won.iteration.number,
            trial=won.trial,
            place=str(place.relative_to(run)),
            components=str((attempt / "components").relative_to(run)),
            score=asdict(tested.score),
            custody=dict(tested.custody),
        )
        give_out(run, pipeline, attempt, {"iteration": won.iteration.number, "made": str(attempt.relative_to(run))})


def _members(run: Path, iteration: Iteration) -> list[Member]:
    return [
        Member(pipeline=iteration.proposal.pipeline, attempt=trial_folder(run, iteration, trial), outcome=outcome)
        for trial, outcome in enumerate(iteration.trials)
    ]
