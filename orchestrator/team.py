"""The agents behind one Protocol: draft, repair, revise. The playbook and the language models both fill it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contract import Task
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


class Team(Protocol):
    """Designs, writes, repairs and refines pipelines."""

    name: str

    def draft(self, profile: Profile) -> Proposal:
        """Design the first pipeline."""
        ...

    def repair(self, proposal: Proposal, crashed: Crashed) -> Proposal | None:
        """Mend the component that crashed, or None where the team knows no remedy."""
        ...

    def revise(self, profile: Profile, history: Sequence[Iteration]) -> Proposal | None:
        """Change one component of the best pipeline, or None where nothing worth trying is left."""
        ...


def best(history: Sequence[Iteration]) -> Iteration | None:
    """The iteration that stands: the last one that was kept."""
    return next((iteration for iteration in reversed(history) if iteration.kept), None)
