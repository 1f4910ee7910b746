"""The team without a language model: recipes that suit, a rule-based analyst, one move at a time, known remedies.

It only remembers what the history says, so a run that is continued goes on as if it had never stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.catalogue import candidates
from orchestrator.components import Pipeline
from orchestrator.diagnosis import Diagnosis, diagnose
from orchestrator.first_choice import choices, paced
from orchestrator.memory import CRASHES, REPAIRED, idea_of, lost_ideas, stuck, without_gain
from orchestrator.moves import Candidate, Stage
from orchestrator.outcome import Trained
from orchestrator.remedies import remedies
from orchestrator.team import Choice, Proposal, best
from orchestrator.versions import executed, fingerprints
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.team import Attempt, Iteration, Profile
    from prompts.recipe import Value

CLOCK_SHARE = 0.95
"""Of the clock: a move that is expected to take longer is not tried."""
PLATEAU = 3
"""Changes in a row without gain, after which other recipes are tried before any further move, unless it is told."""


class Playbook:
    """Proven recipes in place of language models."""

    name = "playbook"

    def __init__(self, plateau: int = PLATEAU) -> None:
        self._plateau = plateau

    def draft(self, profile: Profile) -> Proposal:
        choice = choices(profile)[0]
        recipe = read_recipe(choice.recipe)
        return Proposal(
            pipeline=pipeline(choice),
            component=None,
            change=f"recipe: {choice.recipe}",
            reason=f"{recipe.summary} It suits: {recipe.suits[0].lower()}{recipe.suits[1:]}",
            choice=choice,
        )

    def repair(
        self, profile: Profile, history: Sequence[Iteration], attempts: Sequence[Attempt], *, last: bool
    ) -> Proposal | None:
        proposal, crashed = attempts[-1].proposal, attempts[-1].crashed
        if last or proposal.choice is None:  # all it has is proven
            return None
        known = {*executed(history), *(fingerprints(attempt.proposal.pipeline) for attempt in attempts)}
        found = remedies(profile, proposal.choice, crashed)
        remedy = next((each for each in found if fingerprints(pipeline(each.choice)) not in known), None)
        if remedy is None:
            return None
        mended = _proposal(remedy, f"It crashed: {crashed.crash.error[:200]}")
        return replace(mended, change=f"{proposal.change}{REPAIRED}{remedy.change}")

    def revise(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()
    ) -> Proposal | None:
        standing = best(history)
        if standing is None or not isinstance(standing.outcome, Trained):
            return self._other_recipe(profile, history, beside)
        if standing.outcome.score.accuracy == 1.0 or standing.proposal.choice is None:
            return None
        diagnosis = _diagnose(profile, standing.proposal.choice, standing.outcome)
        tried = Tried(history, beside, self._plateau)
        fresh = filter(tried.is_new, _ideas(profile, standing.proposal.choice, standing.outcome, diagnosis, tried))
        ranked = sorted(fresh, key=lambda idea: (idea.stage, tried.failures(idea)))
        chosen = next((idea for idea in ranked if not tried.was_executed(idea)), None)
        return None if chosen is None else _proposal(chosen, diagnosis.sentence)

    def _other_recipe(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal]
    ) -> Proposal | None:
        tried = _recipes([*(turn.proposal for turn in history), *beside])
        left = (choice for choice in choices(profile) if choice.recipe not in tried)
        return next((_proposal(recipe_idea(choice), "Nothing has trained so far.") for choice in left), None)


class Tried:
    """What the history says about an idea."""

    def __init__(self, history: Sequence[Iteration], beside: Sequence[Proposal], plateau: int) -> None:
        self._history = history
        self._beside = {_subject(proposal.change) for proposal in beside}
        self._since = {idea_of(iteration.proposal.change) for iteration in without_gain(history)}
        self._lost = {idea for idea, numbers in lost_ideas(history).items() if len(numbers) >= CRASHES}
        self._executed = executed(history)
        self._values = [all_values(iteration.proposal.choice) for iteration in history if iteration.proposal.choice]
        self.recipes = _recipes([*(turn.proposal for turn in history), *beside])
        self.stuck = stuck(history, plateau)

    def is_new(self, idea: Candidate) -> bool:
        """Neither tried from this base or just now, nor met in another way, nor crashed whatever it was tried from."""
        if _subject(idea.change) in self._beside or idea.change in self._lost:
            return False
        return idea.change not in self._since and all_values(idea.choice) not in self._values

    def was_executed(self, idea: Candidate) -> bool:
        """Whether the very same files were, in an attempt that was repaired, say."""
        return fingerprints(pipeline(idea.choice)) in self._executed

    def failures(self, idea: Candidate) -> int:
        """How often a change of the same parameter did not help."""
        return sum(_subject(iteration.proposal.change) == _subject(idea.change) for iteration in self._failed())

    def _failed(self) -> list[Iteration]:
        return [iteration for iteration in self._history if not iteration.kept]


def _recipes(proposals: Sequence[Proposal]) -> set[str]:
    return {proposal.choice.recipe for proposal in proposals if proposal.choice}


def pipeline(choice: Choice) -> Pipeline:
    """Fill a recipe in."""
    return Pipeline(**read_recipe(choice.recipe).fill(choice.values))


def _diagnose(profile: Profile, choice: Choice, trained: Trained) -> Diagnosis:
    values = read_recipe(choice.recipe).complete(choice.values)
    planned = None if values.get("patience") else int(values["epochs"])
    return diagnose(trained, profile.task, planned)


def _ideas(
    profile: Profile, choice: Choice, trained: Trained, diagnosis: Diagnosis, tried: Tried
) -> Iterator[Candidate]:
    """Every move that fits into the clock, and every other recipe that suits, once, at the pace that was measured."""
    spent = trained.report.seconds.get("train", trained.seconds)
    for idea in candidates(read_recipe(choice.recipe), choice.values, diagnosis.finding):
        if idea.slower <= 1 or spent * idea.slower <= CLOCK_SHARE * profile.task.seconds:
            yield idea
    epoch = trained.report.epoch_seconds
    for other in choices(paced(profile, choice, epoch) if epoch else profile):
        if other.recipe not in tried.recipes:
            yield replace(recipe_idea(other), stage=Stage.AT_ONCE if tried.stuck else Stage.RECIPE)


def recipe_idea(choice: Choice) -> Candidate:
    """Take another recipe."""
    return Candidate(
        choice=choice,
        component=None,
        change=f"recipe: {choice.recipe}",
        why=read_recipe(choice.recipe).summary,
        stage=Stage.RECIPE,
    )


def _proposal(idea: Candidate, because: str) -> Proposal:
    return Proposal(
        pipeline=pipeline(idea.choice),
        component=idea.component,
        change=idea.change,
        reason=f"{because} {idea.why}",
        choice=idea.choice,
    )


def all_values(choice: Choice) -> tuple[str, dict[str, Value]]:
    """The recipe and the value of each of its parameters."""
    return choice.recipe, read_recipe(choice.recipe).complete(choice.values)


def _subject(change: str) -> str:
    """The component and parameter, or the recipe, that a change is about."""
    return change.split(" -> ", maxsplit=1)[0].rsplit(" ", 1)[0] if " -> " in change else change
