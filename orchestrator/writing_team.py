"""The team whose agents write code: the architect drafts all of it, each engineer revises and mends one file.

It remembers nothing that the history or chat/ does not say, so a run that is continued goes on as if it had never
stopped. An agent that gives nothing usable costs an attempt; none ends the run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.report import Crash
from orchestrator.agent import UnusableReplyError
from orchestrator.architect import blueprint, design
from orchestrator.briefing import code_section, crash_section, pipeline_sections, profile_section, repairs_section
from orchestrator.chooser import recipes_section
from orchestrator.components import COMPONENTS, Pipeline
from orchestrator.engineer import Order, lend, write
from orchestrator.first_choice import choices
from orchestrator.material import Section, fenced, one_line
from orchestrator.memory import INSTEAD, REPAIRED, idea_of
from orchestrator.outcome import Crashed
from orchestrator.playbook import pipeline
from orchestrator.repairs import similar_repairs
from orchestrator.review import ENGINEERS, Review, blueprint_sections
from orchestrator.static_check import InvalidComponentError, check_component
from orchestrator.team import Proposal, best
from orchestrator.versions import executed, failed_versions, fingerprint, fingerprints, known_versions
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.choosing_team import ChoosingTeam
    from orchestrator.components import ComponentName
    from orchestrator.team import Attempt, Iteration, Profile

REASON = 300
"""Characters of a reason: a sentence below a line of the table."""


@dataclass(kw_only=True)
class WritingTeam:
    """Agents that write."""

    name: str
    review: Review
    chooser: ChoosingTeam
    """For what could not be written."""
    zero_shot: bool = True
    """Whether the architect writes the draft; else the engineers do, in turn (the paper's ablation)."""

    def draft(self, profile: Profile) -> Proposal:
        proposal = self._draft(profile, ())
        assert proposal is not None  # the first one always has a recipe to fall back on
        return proposal

    def revise(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()
    ) -> Proposal | None:
        standing = best(history)
        if standing is None:  # the architect drafts one pipeline; what is tried beside it is a recipe
            return self.chooser.revise(profile, history, beside) if beside else self._draft(profile, history)
        feedback = self.review.feedback(profile, history, beside, choosing=False)
        if feedback is None or (name := feedback.owner) is None:
            return None
        base = standing.proposal.pipeline
        proposal = Proposal(
            pipeline=base,
            component=name,
            change=feedback.line,
            reason=f"{feedback.seen} {feedback.meaning}"[:REASON],
            notes=feedback.text(),
        )
        told = Section(title="The Performance Analyst's feedback", text=feedback.text())
        order = Order(
            component=name,
            iteration=len(history),
            sections=(profile_section(profile), *blueprint_sections(history), *_files(base, name), told),
            words=render("write_order", what="Do what the Performance Analyst asks.", name=name),
            refused={
                **known_versions(history, base, name),
                **{fingerprint(each.pipeline[name]): "This is tried at the same time." for each in beside},
                fingerprint(base[name]): f"This is {name}.py as it is: nothing is changed.",
            },
            reference=_proven(profile, name),
            before=base[name],
        )
        return self._written(proposal, order)

    def repair(
        self, profile: Profile, history: Sequence[Iteration], attempts: Sequence[Attempt], *, last: bool
    ) -> Proposal | None:
        latest = attempts[-1]
        if last:
            substitute = self.chooser.substitute(profile, history, latest)
            change = f"{idea_of(substitute.change)}{INSTEAD}{idea_of(latest.proposal.change)}" if substitute else ""
            return substitute and replace(substitute, notes=latest.proposal.notes, change=change)
        name, more = self.review.culprit(profile, history, latest)
        crash, base = latest.crashed.crash, latest.proposal.pipeline
        order = Order(
            component=name,
            iteration=len(history),
            sections=(
                profile_section(profile),
                Section(title="What was to be done", text=latest.proposal.notes),
                *_files(base, name),
                _last_good(history, base, name),
                _earlier(attempts[:-1]),
                repairs_section(similar_repairs(crash.error, history)),
                crash_section(crash, latest.crashed.log),
            ),
            words=_words(latest, name, more),
            refused={**known_versions(history, base, name), **failed_versions(attempts, name)},
            reference=_proven(profile, name),
            before=base[name],
        )
        change = f"{idea_of(latest.proposal.change)}{REPAIRED}{name}.py"
        proposal = self._written(replace(latest.proposal, change=change, choice=None, fault=None), order)
        return self._complete(profile, proposal, len(history))

    def _draft(self, profile: Profile, history: Sequence[Iteration]) -> Proposal | None:
        """The architect's pipeline, with what could not run written again by its engineer."""
        offered, iteration = choices(profile), len(history)
        sections = (profile_section(profile), recipes_section(offered), *_failed(history), _reference(profile))
        ask = design if self.zero_shot else blueprint
        try:
            made = ask(self.review.agents["architect"], sections, self.review.contact_sheet(), iteration)
        except UnusableReplyError:
            return self.chooser.revise(profile, history) if history else self.chooser.draft(profile)
        proposal = Proposal(
            pipeline=Pipeline(**{name: made.files.get(name, "") for name in COMPONENTS}),
            component=None,
            change="the architect's draft" if self.zero_shot else "a draft, file by file",
            reason=" ".join(made.blueprint.split())[:REASON],
            notes=made.blueprint,
        )
        proposal = self._complete(profile, proposal, iteration)
        repeated = not proposal.fault and fingerprints(proposal.pipeline) in executed(history)
        return self.chooser.revise(profile, history) if repeated else proposal

    def _complete(self, profile: Profile, proposal: Proposal, iteration: int) -> Proposal:
        """Have each file that could not run written again by its engineer."""
        for name in COMPONENTS:
            if proposal.fault:
                break
            whole = lend(proposal.pipeline[name], _proven(profile, name))  # which the architect was shown
            proposal = replace(proposal, pipeline=proposal.pipeline.with_component(name, whole))
            fault = _fault(name, whole)
            if fault:
                proposal = self._written(proposal, _first_order(profile, proposal, name, fault, iteration))
        return proposal

    def _written(self, proposal: Proposal, order: Order) -> Proposal:
        """The proposal with the engineer's new file, or with the fault that there is none."""
        name = order.component
        try:
            source = write(self.review.agents[ENGINEERS[name]], order)
        except UnusableReplyError as error:
            what = f"The engineer's reply could not be used: {error}"
            return replace(proposal, fault=Crash(phase="write", step=f"{name}.py", culprit=name, error=what[:1000]))
        return replace(proposal, pipeline=proposal.pipeline.with_component(name, source))


def _first_order(profile: Profile, proposal: Proposal, name: ComponentName, fault: str, iteration: int) -> Order:
    """Write, or write again, one file of a draft."""
    absent = not proposal.pipeline[name].strip()
    crash = Crash(phase="reading", step=f"reading {name}.py, before anything ran", culprit=name, error=fault)
    words = (
        render("write_order", what="Write your file after the blueprint, to fit the files that are there.", name=name)
        if absent
        else render("repair_order", name=name, more="")
    )
    return Order(
        component=name,
        iteration=iteration,
        sections=(
            profile_section(profile),
            Section(title="The blueprint", text=proposal.notes),
            _reference(profile),
            *_files(proposal.pipeline, name),
            *(() if absent else (crash_section(crash),)),
        ),
        words=words,
        reference=_proven(profile, name),
        before=proposal.pipeline[name],
    )


def _fault(name: ComponentName, source: str) -> str:
    """Why a file cannot be used, or an empty text."""
    if not source.strip():
        return f"{name}.py was not written."
    try:
        check_component(name, source)
    except InvalidComponentError as error:
        return str(error)
    return ""


def _files(base: Pipeline, name: ComponentName) -> list[Section]:
    """The two files of the colleagues, then the engineer's own, nearest to the order."""
    others = [other for other in COMPONENTS if other != name]
    sections = pipeline_sections(base, others)
    shown = [replace(section, title=f"{section.title} (a colleague's: read only)") for section in sections]
    return [*shown, code_section(f"{name}.py as it is (yours)", base[name], own=True)]


def _last_good(history: Sequence[Iteration], base: Pipeline, name: ComponentName) -> Section:
    """The version in the best pipeline, where the present one is another."""
    standing = best(history)
    source = standing.proposal.pipeline[name] if standing else ""
    shown = "" if source == base[name] else source
    return Section(title=f"{name}.py as it last worked", data=shown, language="python", cut="drop")


def _earlier(attempts: Sequence[Attempt]) -> Section:
    """What was tried in this iteration already."""
    lines = [
        f"version {number} failed with: {one_line(attempt.crashed.crash.error, 300)}"
        for number, attempt in enumerate(attempts, start=1)
    ]
    return Section(title="Earlier versions in this iteration", data="\n".join(lines))


def _words(latest: Attempt, name: ComponentName, more: str) -> str:
    """Mend what ran and failed, or write at last what came to nothing."""
    if latest.proposal.fault and latest.proposal.pipeline[name].strip():
        return render("write_order", what="Do what was to be done: none of your last replies could be used.", name=name)
    return render("repair_order", name=name, more=more)


def _failed(history: Sequence[Iteration]) -> list[Section]:
    """How earlier drafts ended, where none trained."""
    return [crash_section(turn.outcome.crash) for turn in history[-1:] if isinstance(turn.outcome, Crashed)]


def _reference(profile: Profile) -> Section:
    """The recipe that fits best, as code: it shows what a good pipeline looks like."""
    choice = choices(profile)[0]
    filled = pipeline(choice)
    files = [f"`{name}.py`\n{fenced(filled[name], 'python')}" for name in COMPONENTS]
    return Section(title=f"A proven pipeline: the recipe {choice.recipe}", text="\n\n".join(files), cut="drop")


def _proven(profile: Profile, name: ComponentName) -> str:
    """One file of the recipe that fits best."""
    return pipeline(choices(profile)[0])[name]
