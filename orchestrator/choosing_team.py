"""The team whose agents choose under a schema: a recipe, then one value at a time; our own code fills it in.

Where no legal choice comes back, the playbook's takes its place, so an iteration ends in a measurement all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.agent import UnusableReplyError
from orchestrator.briefing import crash_section, profile_section, result_section
from orchestrator.catalogue import candidates
from orchestrator.chooser import choose_recipe, choose_value
from orchestrator.diagnosis import diagnose
from orchestrator.first_choice import choices
from orchestrator.material import Section
from orchestrator.memory import REPAIRED, idea_of
from orchestrator.outcome import Trained
from orchestrator.playbook import Playbook, Tried, pipeline
from orchestrator.review import ENGINEERS, Review
from orchestrator.team import Choice, Proposal, best
from orchestrator.versions import fingerprint, known_versions
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.agent import Agent
    from orchestrator.components import ComponentName
    from orchestrator.team import Attempt, Iteration, Profile

REASON = 300
"""Characters of a reason: a sentence below a line of the table."""
MOVES = 8
"""Of the playbook, shown as ideas."""


@dataclass(kw_only=True)
class ChoosingTeam:
    """Agents that choose."""

    name: str
    review: Review

    def draft(self, profile: Profile) -> Proposal:
        return self._begin(profile, choices(profile), 0)

    def revise(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()
    ) -> Proposal | None:
        left = _untried(profile, history, beside)
        if best(history) is None:
            return self._begin(profile, left, len(history)) if left else None
        feedback = self.review.feedback(profile, history, beside, choosing=True)
        if feedback is None:
            return None
        told = Section(title="The Performance Analyst's feedback", text=feedback.text())
        if feedback.owner is None and left:
            proposal = self._recipe(
                self._agent("architect"), profile, left, purpose="try next", iteration=len(history), sections=(told,)
            )
            return replace(proposal, notes=feedback.text())
        name = feedback.owner or "train"
        try:
            proposal = self._value(
                profile, history, name, sections=(told,), what="Carry out the feedback.", beside=beside
            )
        except UnusableReplyError:
            return Playbook(self.review.plateau).revise(profile, history, beside)
        return replace(proposal, notes=feedback.text())

    def repair(
        self, profile: Profile, history: Sequence[Iteration], attempts: Sequence[Attempt], *, last: bool
    ) -> Proposal | None:
        latest = attempts[-1]
        if not last and latest.proposal.choice:
            name, more = self.review.culprit(profile, history, latest)
            shown = crash_section(latest.crashed.crash, latest.crashed.log)
            try:
                mended = self._value(
                    profile,
                    history,
                    name,
                    sections=(shown,),
                    what=f"Mend the crash. {more}".strip(),
                    choice=latest.proposal.choice,
                    crashed=[attempt.proposal.choice for attempt in attempts if attempt.proposal.choice],
                )
            except UnusableReplyError:
                pass
            else:
                change = f"{idea_of(latest.proposal.change)}{REPAIRED}{mended.change}"
                return replace(latest.proposal, pipeline=mended.pipeline, choice=mended.choice, change=change)
        return Playbook(self.review.plateau).repair(profile, history, attempts, last=False)

    def substitute(self, profile: Profile, history: Sequence[Iteration], latest: Attempt) -> Proposal | None:
        """In place of code that could not be made to run: something proven, chosen for the same purpose."""
        standing, said = best(history), latest.proposal
        if standing is None:
            return self._begin(profile, choices(profile), len(history))
        name = said.component or "train"
        told = Section(title="What was to be done", text=f"{said.change}\n{said.notes}")
        if standing.proposal.choice is None:
            return self._component(profile, history, standing, name, told)
        try:
            return self._value(profile, history, name, sections=(told,), what="Come as near to it as one value can.")
        except UnusableReplyError:
            return Playbook(self.review.plateau).revise(profile, history)

    def _begin(self, profile: Profile, offered: Sequence[Choice], iteration: int) -> Proposal:
        """A pipeline where none has trained yet."""
        return self._recipe(self._agent("architect"), profile, offered, purpose="begin with", iteration=iteration)

    def _recipe(  # noqa: PLR0913 - one order, each part of it named
        self,
        agent: Agent,
        profile: Profile,
        offered: Sequence[Choice],
        *,
        purpose: str,
        iteration: int,
        sections: tuple[Section, ...] = (),
    ) -> Proposal:
        """A whole recipe; the likeliest one where no reply names any."""
        try:
            choice, why = choose_recipe(
                agent,
                (profile_section(profile), *sections),
                offered,
                purpose=purpose,
                iteration=iteration,
                images=() if sections else self.review.contact_sheet(),
            )
        except UnusableReplyError as error:
            choice, why = offered[0], f"No choice came back ({error}); it is the likeliest."
        return Proposal(
            pipeline=pipeline(choice),
            component=None,
            change=f"recipe: {choice.recipe}",
            reason=why[:REASON],
            choice=choice,
            notes=why,
        )

    def _value(  # noqa: PLR0913 - one order, each part of it named
        self,
        profile: Profile,
        history: Sequence[Iteration],
        name: ComponentName,
        *,
        sections: tuple[Section, ...],
        what: str,
        choice: Choice | None = None,
        crashed: Sequence[Choice] = (),
        beside: Sequence[Proposal] = (),
    ) -> Proposal:
        """One value of the best pipeline's recipe, or of another choice.

        Raises:
            UnusableReplyError: no legal, new value came back, or the best is no recipe.
        """
        standing = best(history)
        base = choice or (standing.proposal.choice if standing else None)
        if base is None:
            raise UnusableReplyError("The best pipeline is no recipe.")
        tried = Tried(history, beside, self.review.plateau)
        new, change, why = choose_value(
            self._agent(ENGINEERS[name]),
            (profile_section(profile), *_standing(standing, base, profile, tried), *sections),
            base,
            name,
            what=what,
            profile=profile,
            history=history,
            crashed=crashed,
            beside=[proposal.choice for proposal in beside if proposal.choice],
        )
        return Proposal(pipeline=pipeline(new), component=name, change=change, reason=why[:REASON], choice=new)

    def _component(
        self,
        profile: Profile,
        history: Sequence[Iteration],
        standing: Iteration,
        name: ComponentName,
        told: Section,
    ) -> Proposal | None:
        """The best pipeline with one component of a recipe in place of its own; None where no recipe has a new one."""
        present = standing.proposal.pipeline[name]
        known = {fingerprint(present), *known_versions(history, standing.proposal.pipeline, name)}
        offered = [choice for choice in choices(profile) if fingerprint(pipeline(choice)[name]) not in known]
        if not offered:
            return None
        taken = self._recipe(
            self._agent(ENGINEERS[name]),
            profile,
            offered,
            purpose=f"take {name}.py from",
            iteration=len(history),
            sections=(told,),
        )
        return replace(
            taken,
            pipeline=standing.proposal.pipeline.with_component(name, taken.pipeline[name]),
            component=name,
            change=f"{name}: of {taken.change}",
            choice=None,
        )

    def _agent(self, name: str) -> Agent:
        return self.review.agents[name]


def _untried(profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal]) -> list[Choice]:
    proposed = [*(turn.proposal for turn in history), *beside]
    tried = {proposal.choice.recipe for proposal in proposed if proposal.choice}
    return [choice for choice in choices(profile) if choice.recipe not in tried]


def _standing(standing: Iteration | None, base: Choice, profile: Profile, tried: Tried) -> list[Section]:
    """How the best did, and what the playbook would try of what is new."""
    if standing is None or not isinstance(standing.outcome, Trained):
        return []
    finding = diagnose(standing.outcome, profile.task, None).finding
    known = filter(tried.is_new, candidates(read_recipe(base.recipe), base.values, finding))
    moves = [f"- {idea.change}: {idea.why}" for idea in known]
    ideas = Section(title="Moves that are known to help at times", text="\n".join(moves[:MOVES]), cut="drop")
    return [result_section(standing, profile.task.classes), ideas]
