"""The loop: draft, execute, repair, judge, record, revise, until the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.average import shares_network
from orchestrator.components import write_components
from orchestrator.execute import Terms
from orchestrator.journal import attempt_folder, trial_folder
from orchestrator.ledger import BudgetSpentError
from orchestrator.outcome import Crashed, Outcome, Trained
from orchestrator.repairs import list_repairs
from orchestrator.rival import rival_curve
from orchestrator.run_folder import drop_weights, keep_best, restore
from orchestrator.selection import Rule, decide
from orchestrator.team import Attempt, Iteration, Profile, Proposal, Team, best, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.budget import Budget
    from orchestrator.executions import Executions
    from orchestrator.journal import Journal
    from orchestrator.supply import Supply
    from orchestrator.view import View


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A proposal, executed, with what it took."""

    number: int
    proposal: Proposal
    """As executed last."""
    outcome: Outcome
    attempts: tuple[Attempt, ...]
    """That crashed before."""


@dataclass(kw_only=True)
class Loop:
    """One run's turns."""

    team: Team
    profile: Profile
    executions: Executions
    budget: Budget
    view: View
    repairs: int
    """In an iteration; after them the team may put something proven in place of what it could not mend."""
    rule: Rule
    """Of what is better."""
    candidates: int = 1
    """Different changes of one turn, of which the best may be kept."""
    after: float = 0.0
    """Trainings that come after the last turn, for which RUN_HOURS has to have room."""
    average: bool = False
    """Whether an average will be tried at the end, for which weights are kept."""
    supply: Supply | None = None
    """The pretrained weights, where more may come while it goes round."""
    history: list[Iteration] = field(default_factory=list)
    _turned: float = 0.0
    """Seconds of the run that its finished turns took."""

    @property
    def journal(self) -> Journal:
        return self.executions.journal

    def run(self) -> str:
        """Go round until the budget is spent or the team has no idea left; say which."""
        self.history = self.journal.history()
        self._turned = self.budget.spent()
        restore(self.journal.folder, self.history, self.journal.places())
        while not (end := self._end()):
            self.executions.start_ahead()
            try:
                proposals = self._propose()
            except BudgetSpentError as spent:
                return str(spent)
            if not proposals:
                return "nothing worth trying is left"
            self._judge(self._execute_turn(proposals))
            self._turned = self.budget.spent()
        return end

    def _end(self) -> str:
        seconds = self._usual_seconds()
        return self.budget.end(turns(self.history), needed=self.candidates * seconds, kept_back=self.after * seconds)

    def _usual_seconds(self) -> float:
        """What an execution takes, as the best one did; 0 where nothing has trained yet."""
        standing = best(self.history)
        return standing.outcome.seconds if standing else 0.0

    def _propose(self) -> list[Proposal]:
        """What to try in this turn: one draft, or different changes of the best."""
        profile = self._known()
        self._say(len(self.history), f"{self.team.name} is thinking")
        if not self.history:
            return [self.team.draft(profile)]
        proposals: list[Proposal] = []
        while len(proposals) < self.candidates:
            try:
                proposal = self.team.revise(profile, self.history, beside=proposals)
            except BudgetSpentError:
                if not proposals:
                    raise
                break  # said again, and the run ended, before the next turn
            if proposal is None:
                break
            proposals.append(proposal)
        return proposals

    def _known(self) -> Profile:
        """The profile, with the weights that are there by now."""
        return self.supply.inform(self.profile) if self.supply else self.profile

    def _execute_turn(self, proposals: Sequence[Proposal]) -> list[Tried]:
        """All of a turn: side by side where there are several GPUs, and then, with their repairs, one by one."""
        numbered = list(enumerate(proposals, start=len(self.history)))
        whole = [(number, each.pipeline) for number, each in numbered if not each.fault]
        orders = [(pipeline, attempt_folder(self.journal.folder, number, 1)) for number, pipeline in whole]
        self.executions.side_by_side(orders, self._terms())
        return [self._execute(number, each) for number, each in numbered]

    def _execute(self, number: int, proposal: Proposal) -> Tried:
        attempts: tuple[Attempt, ...] = ()
        while isinstance(outcome := self._attempt(number, proposal, len(attempts) + 1), Crashed):
            repaired = self._repair(number, (*attempts, Attempt(proposal=proposal, crashed=outcome)))
            if repaired is None:
                break
            attempts = (*attempts, Attempt(proposal=proposal, crashed=outcome))
            proposal = repaired
        return Tried(number=number, proposal=proposal, outcome=outcome, attempts=attempts)

    def _repair(self, number: int, attempts: tuple[Attempt, ...]) -> Proposal | None:
        if not self.repairs or len(attempts) > self.repairs + 1:
            return None
        self._say(number, f"{self.team.name} repairs: {attempts[-1].crashed.crash.error}")
        try:
            return self.team.repair(self._known(), self.history, attempts, last=len(attempts) > self.repairs)
        except BudgetSpentError:
            return None  # said again, and the run ended, before the next iteration

    def _attempt(self, number: int, proposal: Proposal, attempt: int) -> Outcome:
        self._say(number, f"{proposal.change}{f' (repair {attempt - 1})' if attempt > 1 else ''}")
        folder = attempt_folder(self.journal.folder, number, attempt)
        if proposal.fault:
            folder.mkdir(parents=True)
            write_components(proposal.pipeline, folder / "components")
            return Crashed(crash=proposal.fault, log="", seconds=0.0)
        return self.executions.execute(proposal.pipeline, folder, self._terms())

    def _terms(self) -> Terms:
        """A clock that leaves time for the finals, and whom to keep up with."""
        standing, usual = best(self.history), self.profile.task.seconds
        if standing is None or not isinstance(standing.outcome, Trained):
            return Terms()
        left = max(self.budget.left() - self.after * standing.outcome.seconds, standing.outcome.seconds)
        rival = () if self.rule.protocol == "paper" else rival_curve(standing.outcome)
        return Terms(seconds=left if left < usual else None, rival=rival)

    def _judge(self, turn: Sequence[Tried]) -> None:
        """Let the best of a turn meet the best so far; whatever comes of it, all are recorded."""
        before = best(self.history)
        trained = [each for each in turn if isinstance(each.outcome, Trained)]
        leading = max(trained, key=_accuracy, default=None)
        iterations = [self._judged(each, before, leads=each is leading) for each in turn]
        for iteration in iterations:
            if iteration.kept:
                keep_best(self.journal.folder, iteration)
        for iteration in iterations:
            if not self._spared(iteration, [before, *iterations]):
                drop_weights(self.journal.folder, iteration)
        self.journal.record_turn(iterations)
        self.history += iterations
        for iteration in iterations:
            self.view.iteration(iteration, before)

    def _spared(self, iteration: Iteration, candidates: Sequence[Iteration | None]) -> bool:
        """Whether its weights, though it was discarded, may be averaged with those of the best."""
        standing = best([each for each in candidates if each])
        return (
            self.average
            and standing is not None
            and shares_network(iteration.proposal.pipeline, standing.proposal.pipeline)
        )

    def _judged(self, tried: Tried, before: Iteration | None, *, leads: bool) -> Iteration:
        iteration = Iteration(
            number=tried.number,
            proposal=tried.proposal,
            outcome=tried.outcome,
            attempts=len(tried.attempts) + 1,
            kept=False,
            repairs=list_repairs(tried.attempts, tried.proposal, tried.outcome),
            turn=turns(self.history),
        )
        if not leads:
            return iteration
        if before is None or not before.trials:
            return replace(iteration, kept=True, verdict="It is the first that trained.")
        decision = decide(iteration.trials, before.trials, self.rule)
        if decision.kind == "promising" and (more := self._once_more(iteration)):
            iteration = replace(iteration, again=(more,))
            decision = decide(iteration.trials, before.trials, self.rule)
        return replace(iteration, kept=decision.kept, verdict=decision.sentence)

    def _once_more(self, iteration: Iteration) -> Trained | None:
        """The same pipeline with another seed, if there is time."""
        if self.budget.left() < (1 + self.after) * iteration.outcome.seconds:
            return None
        self._say(iteration.number, f"{iteration.proposal.change}: promising, once more with another seed")
        folder = trial_folder(self.journal.folder, iteration, 1)
        terms = replace(self._terms(), seed=self.executions.seed + 1)
        outcome = self.executions.execute(iteration.proposal.pipeline, folder, terms)
        return outcome if isinstance(outcome, Trained) else None

    def _say(self, number: int, what: str) -> None:
        later = self.after * self._usual_seconds()
        self.view.phase(f"iteration {number}: {what}", self.budget.outlook(turns(self.history), self._turned, later))


def _accuracy(tried: Tried) -> float:
    return tried.outcome.score.accuracy if isinstance(tried.outcome, Trained) else -1.0
