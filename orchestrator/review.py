"""Between two iterations: the summarizer notes what happened, the analyst says what is next, or who mends a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from orchestrator.agent import UnusableReplyError
from orchestrator.analyst import Feedback, feedback_by_rule, give_feedback, triage
from orchestrator.briefing import (
    crash_section,
    history_section,
    pipeline_sections,
    profile_section,
    result_section,
)
from orchestrator.diagnosis import diagnose
from orchestrator.journal import attempt_folder
from orchestrator.material import Section
from orchestrator.memory import beside_section, plateau_section
from orchestrator.outcome import Trained
from orchestrator.sheets import SheetError
from orchestrator.summarizer import summarize
from orchestrator.team import best

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from orchestrator.agent import Agent
    from orchestrator.components import ComponentName
    from orchestrator.team import Attempt, Iteration, Profile, Proposal

ENGINEERS: Mapping[ComponentName, str] = {
    "data": "data_engineer",
    "model": "model_engineer",
    "train": "training_engineer",
}
STEER = "steer.md"
"""In the run's folder, by the user: shown to the analyst from the next iteration on."""
STEER_CHARACTERS = 4000


class Pictures(Protocol):
    """Images for models that see: PNG files; a SheetError where there is none to show."""

    def contact_sheet(self) -> bytes: ...
    def worst_mistakes(self, attempt: Path) -> bytes:
        """Of the attempt in this folder."""
        ...


@dataclass(kw_only=True)
class Review:
    """The analyst and the summarizer of one run."""

    agents: Mapping[str, Agent]
    run: Path
    planned: int
    """Iterations after the draft."""
    plateau: int
    """Changes in a row without gain, after which the analyst is told to leave the neighbourhood."""
    pictures: Pictures | None = None
    _summaries: dict[int, str] = field(default_factory=dict)

    def feedback(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal], *, choosing: bool
    ) -> Feedback | None:
        """What to change in the best pipeline, or None where nothing worth trying is left; there has to be one."""
        standing = best(history)
        assert standing is not None
        assert isinstance(standing.outcome, Trained)
        if standing.outcome.score.accuracy == 1.0:
            return None
        self._summarize(history)
        try:
            feedback = give_feedback(
                self.agents["analyst"],
                self._sections(profile, history, standing, beside, choosing=choosing),
                history,
                beside=beside,
                left=f"This will be iteration {len(history)} of {self.planned}.",
                choosing=choosing,
                images=self.mistakes(standing),
            )
        except UnusableReplyError:
            if beside:  # the rules have one idea
                return None
            return feedback_by_rule(diagnose(standing.outcome, profile.task, None))
        return None if feedback.component == "none" else feedback

    def culprit(self, profile: Profile, history: Sequence[Iteration], latest: Attempt) -> tuple[ComponentName, str]:
        """Who mends a crash, and what the analyst adds where the crash names nobody."""
        crash = latest.crashed.crash
        for name in ENGINEERS:
            if name == crash.culprit:
                return name, ""
        sections = (
            profile_section(profile),
            crash_section(crash, latest.crashed.log),
            *pipeline_sections(latest.proposal.pipeline),
        )
        try:
            found = triage(self.agents["analyst"], sections, len(history))
        except UnusableReplyError:
            return latest.proposal.component or "train", ""
        return found.component, f"The Performance Analyst adds: {found.instructions}"

    def _summarize(self, history: Sequence[Iteration]) -> None:
        """Have what trained summarized; after a resume chat/ knows the words, and nothing is paid twice."""
        for iteration in history:
            if isinstance(iteration.outcome, Trained) and iteration.number not in self._summaries:
                self._summaries[iteration.number] = summarize(self.agents["summarizer"], iteration)

    def _sections(
        self,
        profile: Profile,
        history: Sequence[Iteration],
        standing: Iteration,
        beside: Sequence[Proposal],
        *,
        choosing: bool,
    ) -> tuple[Section, ...]:
        """What the analyst reads; who only chooses values needs no code, which is two thirds of it."""
        return (
            profile_section(profile),
            *blueprint_sections(history),
            history_section(history, self._summaries),
            result_section(standing, profile.task.classes),
            *(() if choosing else pipeline_sections(standing.proposal.pipeline)),
            plateau_section(history, self.plateau),
            beside_section(beside),
            Section(title="The user's own wishes for this run: follow them where you can", text=self._steering()),
        )

    def _steering(self) -> str:
        path = self.run / STEER
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(STEER_CHARACTERS)

    def contact_sheet(self) -> tuple[bytes, ...]:
        """A picture of the classes, for an architect that sees; else none."""
        return _drawn(self.pictures.contact_sheet) if self.pictures else ()

    def mistakes(self, standing: Iteration) -> tuple[bytes, ...]:
        """A picture of what the best is most surely wrong about, for an analyst that sees; else none."""
        attempt = attempt_folder(self.run, standing.number, standing.attempts)
        return _drawn(partial(self.pictures.worst_mistakes, attempt)) if self.pictures else ()


def _drawn(draw: Callable[[], bytes]) -> tuple[bytes, ...]:
    try:
        return (draw(),)
    except SheetError:
        return ()


def blueprint_sections(history: Sequence[Iteration]) -> list[Section]:
    """What the architect had in mind."""
    return [Section(title="The blueprint of the first pipeline", text=history[0].proposal.notes)] if history else []
