"""The loop: draft, execute, repair, record, revise, until the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from orchestrator.components import write_components
from orchestrator.journal import attempt_folder
from orchestrator.ledger import BudgetSpentError
from orchestrator.outcome import Crashed, Outcome
from orchestrator.repairs import list_repairs
from orchestrator.run_folder import drop_weights, keep_best, restore
from orchestrator.selection import is_better
from orchestrator.team import Attempt, Iteration, Profile, Proposal, Team, best

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.budget import Budget
    from orchestrator.components import Pipeline
    from orchestrator.execute import Terms
    from orchestrator.journal import Journal
    from orchestrator.supply import Supply


class Executes(Protocol):
    """What the loop needs of an executor."""

    def start_ahead(self) -> None: ...
    def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms = ...) -> Outcome: ...


class View(Protocol):
    """Who watches."""

    def phase(self, text: str) -> None:
        """Something begins that takes a while."""
        ...

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        """An iteration is over; `before`: the best until then."""
        ...


@dataclass(kw_only=True)
class Loop:
    """One run's turns."""

    team: Team
    profile: Profile
    executor: Executes
    journal: Journal
    budget: Budget
    view: View
    repairs: int
    """In an iteration; after them the team may put something proven in place of what it could not mend."""
    supply: Supply | None = None
    """The pretrained weights, where more may come while it goes round."""
    history: list[Iteration] = field(default_factory=list)

    def run(self) -> str:
        """Go round until the budget is spent or the team has no idea left; say which."""
        self.history = self.journal.history()
        restore(self.journal.folder, self.history)
        while not (end := self.budget.end(len(self.history))):
            self.executor.start_ahead()
            self.view.phase(f"iteration {len(self.history)}: {self.team.name} is thinking")
            try:
                proposal = self._propose()
            except BudgetSpentError as spent:
                return str(spent)
            if proposal is None:
                return "nothing worth trying is left"
            self._judge(*self._execute(proposal))
        return end

    def _propose(self) -> Proposal | None:
        profile = self._known()
        return self.team.revise(profile, self.history) if self.history else self.team.draft(profile)

    def _known(self) -> Profile:
        """The profile, with the weights that are there by now."""
        return self.supply.inform(self.profile) if self.supply else self.profile

    def _execute(self, proposal: Proposal) -> tuple[Proposal, Outcome, tuple[Attempt, ...]]:
        attempts: tuple[Attempt, ...] = ()
        while isinstance(outcome := self._attempt(proposal, len(attempts) + 1), Crashed):
            repaired = self._repair((*attempts, Attempt(proposal=proposal, crashed=outcome)))
            if repaired is None:
                break
            attempts = (*attempts, Attempt(proposal=proposal, crashed=outcome))
            proposal = repaired
        return proposal, outcome, attempts

    def _repair(self, attempts: tuple[Attempt, ...]) -> Proposal | None:
        if not self.repairs or len(attempts) > self.repairs + 1:
            return None
        self.view.phase(f"iteration {len(self.history)}: {self.team.name} repairs: {attempts[-1].crashed.crash.error}")
        try:
            return self.team.repair(self._known(), self.history, attempts, last=len(attempts) > self.repairs)
        except BudgetSpentError:
            return None  # said again, and the run ended, before the next iteration

    def _attempt(self, proposal: Proposal, attempt: int) -> Outcome:
        number = len(self.history)
        repair = f" (repair {attempt - 1})" if attempt > 1 else ""
        self.view.phase(f"iteration {number}{repair}: {proposal.change}")
        folder = attempt_folder(self.journal.folder, number, attempt)
        if proposal.fault:
            folder.mkdir(parents=True)
            write_components(proposal.pipeline, folder / "components")
            outcome: Outcome = Crashed(crash=proposal.fault, log="", seconds=0.0)
        else:
            outcome = self.executor.execute(proposal.pipeline, folder)
        if isinstance(outcome, Crashed):
            self.journal.record("crash", iteration=number, attempt=attempt, error=outcome.crash.error)
        return outcome

    def _judge(self, proposal: Proposal, outcome: Outcome, attempts: tuple[Attempt, ...]) -> None:
        before = best(self.history)
        kept = not isinstance(outcome, Crashed) and (
            before is None or isinstance(before.outcome, Crashed) or is_better(outcome, before.outcome)
        )
        iteration = Iteration(
            number=len(self.history),
            proposal=proposal,
            outcome=outcome,
            attempts=len(attempts) + 1,
            kept=kept,
            repairs=list_repairs(attempts, proposal, outcome),
        )
        if kept:
            keep_best(self.journal.folder, iteration)
        drop_weights(self.journal.folder, iteration)
        self.journal.record_iteration(iteration)
        self.history.append(iteration)
        self.view.iteration(iteration, before)
