"""The Project Architect: from what is known of a dataset to a blueprint and, in the same reply, a whole pipeline.

One coherent pipeline that is then divided beats three files written in turn: paper, sections 3.3 and 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import shorten
from orchestrator.agent import Question, UnusableReplyError
from orchestrator.code_blocks import find_files, prose
from orchestrator.components import COMPONENTS, ComponentName
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.agent import Agent
    from orchestrator.material import Section

PICTURE = "\n\nThe picture shows some training images of each class, with its name."
BLUEPRINT = 6000
"""Characters that are kept: every engineer reads them each time."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What the architect thought of."""

    blueprint: str
    files: Mapping[ComponentName, str]
    """Unchecked; some may be missing."""


def design(agent: Agent, sections: tuple[Section, ...], images: tuple[bytes, ...], iteration: int) -> Design:
    """Ask for blueprint and pipeline; what is missing after three replies stays missing."""
    files: dict[ComponentName, str] = {}
    told: list[str] = []

    def parse(text: str) -> None:
        files.update(find_files(text))
        told.append(prose(text))
        missing = [f"{name}.py" for name in COMPONENTS if name not in files]
        if missing:
            raise UnusableReplyError(
                f"It lacks {', '.join(missing)}. Each file belongs into a fence of its own, its name in the line above."
            )

    question = _question("architect_order", sections, images, iteration)
    try:
        agent.ask(question, parse)
    except UnusableReplyError:
        if not files and not any(told):
            raise
    return Design(blueprint=shorten(max(told, key=len, default=""), BLUEPRINT), files=files)


def blueprint(agent: Agent, sections: tuple[Section, ...], images: tuple[bytes, ...], iteration: int) -> Design:
    """Ask for the blueprint alone: the engineers write the files in turn (the paper's ablation, Table 4)."""
    question = _question("blueprint_order", sections, images, iteration)
    return Design(blueprint=shorten(agent.ask(question, str.strip), BLUEPRINT), files={})


def _question(order: str, sections: tuple[Section, ...], images: tuple[bytes, ...], iteration: int) -> Question:
    words = render(order) + (PICTURE if images else "")
    return Question(iteration=iteration, sections=sections, order=words, images=images)
