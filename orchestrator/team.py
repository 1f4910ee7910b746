"""The agents behind one Protocol: draft, repair, revise. The playbook and the language models both fill it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from orchestrator.outcome import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contract import Task
    from harness.report import Crash
    from orchestrator.components import ComponentName, Pipeline
    from orchestrator.outcome import Crashed, Outcome
    from prompts.recipe import Value


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the team knows before anything ran."""

    dataset: str
    """Its name."""
    description: str
    """In the user's words, or the source's; may be empty."""
    task: Task
    """The facts that every component gets, before the tuning split is carved."""
    median_size: tuple[int, int]
    """(height, width) of the original images, in pixels."""
    cores: int
    """That training may use."""
    memory: int
    """Bytes that training may use: of the GPU where there is one."""
    fetches: bool = False
    """Whether other pretrained weights are fetched where a component asks for them."""
    findings: tuple[str, ...] = ()
    """What was measured of the dataset beside this, in sentences that hold words of the user's."""
    pace: float = 1.0
    """How fast it is, of what schedules are guessed on; measured once something has trained."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which recipe a pipeline was filled in from, and with what."""

    recipe: str
    values: Mapping[str, Value] = field(default_factory=dict)
    """Parameter -> value; what is left out has the recipe's default."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A pipeline to try, and why."""

    pipeline: Pipeline
    component: ComponentName | None
    """The one component that was changed; None where all three are new."""
    change: str
    """What is different from the best so far: a short line for a table."""
    reason: str
    """Why that should help: a sentence."""
    choice: Choice | None = None
    """Set where the pipeline is a filled-in recipe."""
    notes: str = ""
    """What the engineers were told, whole: the blueprint, or the analyst's feedback."""
    fault: Crash | None = None
    """Why it is not worth a container: what an agent answered could not be used."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A crashed execution inside an iteration, or one that its fault forestalled."""

    proposal: Proposal
    crashed: Crashed


@dataclass(frozen=True, kw_only=True)
class Repair:
    """An error, what was changed about it, and whether that was the end of it."""

    error: str
    component: ComponentName | None
    fix: str
    """A unified diff, cut."""
    worked: bool
    failed: str = ""
    """Fingerprints of the files that crashed; empty where they were never executed, and in older journals."""


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """One turn of the loop: one change, executed and judged. Number 0 is the zero-shot draft."""

    number: int
    proposal: Proposal
    """As executed last: after the repairs, if there were any."""
    outcome: Outcome
    attempts: int
    """Executions: 1 and one more for each repair."""
    kept: bool
    """Whether it replaced the best so far."""
    repairs: tuple[Repair, ...] = ()
    """One for each attempt but the first."""
    turn: int = 0
    """Of the loop; several different changes of one turn are iterations side by side."""
    again: tuple[Trained, ...] = ()
    """The same pipeline with other seeds, where one was too few to judge it."""
    verdict: str = ""
    """Why it was kept or not: a sentence."""

    @property
    def trials(self) -> tuple[Trained, ...]:
        """Every training of this pipeline that came to a score, that of the run's own seed first."""
        return (self.outcome, *self.again) if isinstance(self.outcome, Trained) else ()


class Team(Protocol):
    """Designs, writes, repairs and refines pipelines."""

    name: str

    def draft(self, profile: Profile) -> Proposal:
        """Design the first pipeline."""
        ...

    def repair(
        self, profile: Profile, history: Sequence[Iteration], attempts: Sequence[Attempt], *, last: bool
    ) -> Proposal | None:
        """Mend what the last of these attempts crashed on, or None where the team knows no remedy.

        `attempts`: of this iteration, oldest first; `last`: the repairs are used up, so that something proven may stand
        in for what could not be mended.
        """
        ...

    def revise(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()
    ) -> Proposal | None:
        """Change one component of the best pipeline, or None where nothing worth trying is left.

        `beside`: proposals made for this iteration already and not executed yet: the new one is another idea than any.
        """
        ...


def turns(history: Sequence[Iteration]) -> int:
    """How often the loop has gone round."""
    return history[-1].turn + 1 if history else 0


def best(history: Sequence[Iteration]) -> Iteration | None:
    """The iteration that stands: the last one that was kept."""
    return next((iteration for iteration in reversed(history) if iteration.kept), None)
