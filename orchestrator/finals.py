"""After the loop: the best few are trained again with new seeds, and the best mean wins.

A pipeline that stands because its one seed was lucky is found out; so is one that fell for bad luck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.execute import Terms
from orchestrator.job_files import WEIGHTS
from orchestrator.journal import trial_folder
from orchestrator.outcome import Trained
from orchestrator.run_folder import keep_best
from orchestrator.selection import Rule, luck, winner
from orchestrator.team import Iteration, best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.budget import Budget
    from orchestrator.executions import Executions
    from orchestrator.scoring import Score
    from orchestrator.view import View


@dataclass(frozen=True, kw_only=True)
class Winner:
    """Which iteration won, with all of its trainings, and which of them gives the weights."""

    iteration: Iteration
    trial: int = 0
    contenders: tuple[dict[str, Any], ...] = ()
    """For the report: number, accuracies on validation and seeds of each, the winner among them."""


@dataclass(kw_only=True)
class Finals:
    """The last trainings of a run."""

    executions: Executions
    budget: Budget
    view: View
    rule: Rule
    count: int
    """Contenders at most; below 2 there are no finals."""
    seeds: int
    """New ones, for each."""
    after: float = 0.0
    """Trainings that come after the finals, for which RUN_HOURS has to have room, too."""

    @property
    def trainings(self) -> int:
        """How many there may be."""
        return self.count * self.seeds if self.count > 1 and self.rule.protocol != "paper" else 0

    def run(self, history: Sequence[Iteration]) -> Winner | None:
        """Train the best few again while there is time, and put the winner into best/; None where nothing trained."""
        standing = best(history)
        if standing is None:
            return None
        if not self.trainings:
            return Winner(iteration=standing)
        left, met = contenders(history, self.count, self.rule), False
        later = self.after * standing.outcome.seconds
        for number in range(self.seeds):
            if self.budget.left() < later + sum(each.outcome.seconds for each in left):
                break
            again = [
                more
                for place, each in enumerate(left)
                if (more := self._once_more(each, number, later + self._to_go(left, number, place)))
            ]
            if not again:
                break
            left, met = again, True
        if not met:  # one that was discarded has no weights, and nothing new speaks for it
            return Winner(iteration=standing)
        won = left[winner([each.trials for each in left])]
        trial = self._best_trial(won)
        facts = tuple(_facts(each, self.executions.seed) for each in left)
        self.executions.journal.record_once("finals", contenders=facts, winner=won.number, trial=trial)
        keep_best(self.executions.journal.folder, won, trial)
        return Winner(iteration=won, trial=trial, contenders=facts)

    def _to_go(self, left: Sequence[Iteration], number: int, place: int) -> float:
        """Seconds of the finals from a place in a round on."""
        seconds = [each.outcome.seconds for each in left]
        return sum(seconds) * (self.seeds - number) - sum(seconds[:place])

    def _once_more(self, iteration: Iteration, number: int, to_go: float) -> Iteration | None:
        """The iteration with one training more; None where that crashed: it cannot be relied on."""
        trial, change = len(iteration.trials), iteration.proposal.change
        self.view.phase(f"finals, seed {number + 1} of {self.seeds}: iteration {iteration.number}, {change}", to_go)
        outcome = self.executions.execute(
            iteration.proposal.pipeline,
            trial_folder(self.executions.journal.folder, iteration, trial),
            Terms(seed=self.executions.seed + trial),
        )
        return replace(iteration, again=(*iteration.again, outcome)) if isinstance(outcome, Trained) else None

    def _best_trial(self, iteration: Iteration) -> int:
        """Whose weights are kept: of those that are still there."""
        run, trials = self.executions.journal.folder, iteration.trials
        there = [trial for trial in range(len(trials)) if (trial_folder(run, iteration, trial) / WEIGHTS).exists()]
        return max(there, key=lambda trial: (trials[trial].score.accuracy, -trials[trial].score.log_loss))


def contenders(history: Sequence[Iteration], count: int, rule: Rule) -> list[Iteration]:
    """The best so far and those that the test cannot tell from it, the best means first; each pipeline once."""
    standing = best(history)
    assert standing is not None
    others = {
        each.proposal.pipeline.checksum: each
        for each in sorted(history, key=_mean)
        if each.trials and luck(_scores(standing), _scores(each)) > rule.level
    }
    others.pop(standing.proposal.pipeline.checksum, None)
    return [standing, *sorted(others.values(), key=_mean, reverse=True)][:count]


def _scores(iteration: Iteration) -> list[Score]:
    return [trained.score for trained in iteration.trials]


def _mean(iteration: Iteration) -> float:
    accuracies = [trained.score.accuracy for trained in iteration.trials]
    return sum(accuracies) / len(accuracies) if accuracies else 0.0


def _facts(iteration: Iteration, seed: int) -> dict[str, Any]:
    return {
        "iteration": iteration.number,
        "change": iteration.proposal.change,
        "seeds": [seed + trial for trial in range(len(iteration.trials))],
        "validation": [trained.score.accuracy for trained in iteration.trials],
    }
