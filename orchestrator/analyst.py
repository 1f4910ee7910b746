"""The Performance Analyst: reads every result, names the one component to change next, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from orchestrator.agent import Question, RepeatedReplyError, UnusableReplyError
from orchestrator.components import COMPONENTS, ComponentName
from orchestrator.json_reply import Answer, read_answer, schema_of
from orchestrator.material import one_line
from orchestrator.memory import CRASHES, idea_of, lost_ideas, outrun
from orchestrator.outcome import Trained
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.agent import Agent
    from orchestrator.diagnosis import Diagnosis
    from orchestrator.material import Section
    from orchestrator.team import Iteration, Proposal

LONGEST = 2000
"""Characters of a field that are kept."""
LINE = 80
"""Characters of a change in a table."""


class Feedback(Answer):
    """What is to be tried next, and why."""

    seen: str
    meaning: str
    component: Literal["data", "model", "train", "recipe", "none"]
    """`recipe`: another recipe altogether, where recipes are chosen; `none`: nothing worth trying is left."""
    change: str
    """A line of the table."""
    instructions: str
    expectation: str

    @field_validator("seen", "meaning", "change", "instructions", "expectation")
    @classmethod
    def _cut(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("it is empty")
        return one_line(text, LONGEST)

    @property
    def owner(self) -> ComponentName | None:
        """The component that is to be changed, if it is one."""
        return next((name for name in COMPONENTS if name == self.component), None)

    @property
    def line(self) -> str:
        """The change, for a table."""
        return f"{self.component}: {self.change}"[:LINE]

    def text(self) -> str:
        """For the engineer, and for the record."""
        return (
            f"What the Performance Analyst sees: {self.seen}\nWhat it means: {self.meaning}\n"
            f"What to do: {self.change}. {self.instructions}\nWhat should happen: {self.expectation}"
        )


class Triage(Answer):
    """Who is to mend a crash that names nobody."""

    component: ComponentName
    instructions: str

    @field_validator("instructions")
    @classmethod
    def _cut(cls, text: str) -> str:
        return one_line(text, LONGEST)


def give_feedback(  # noqa: PLR0913 - one question, each part of it named
    agent: Agent,
    sections: tuple[Section, ...],
    history: Sequence[Iteration],
    *,
    left: str,
    choosing: bool,
    beside: Sequence[Proposal] = (),
    images: tuple[bytes, ...] = (),
) -> Feedback:
    """Ask what to change next; `left`: what remains of the budget, in words; `choosing`: among recipes and values.

    `beside`: what is tried at the same time, and not to be asked for again.

    Raises:
        UnusableReplyError: no reply said it.
    """
    refused = _refused(history, beside)

    def parse(text: str) -> Feedback:
        feedback = read_answer(text, Feedback)
        if feedback.component == "recipe" and not choosing:
            raise UnusableReplyError('"component" is one of "data", "model", "train" and "none".')
        why = refused.get(_plain(feedback.line))
        if why and feedback.component != "none":
            raise RepeatedReplyError(f"{why} Think of something else.")
        return feedback

    if images:
        left += (
            " The picture shows validation images that it is most surely wrong about: true class, then what it said."
        )
    more = '; "recipe" for another recipe altogether' if choosing else ""
    schema = schema_of(Feedback)
    if not choosing:
        schema["properties"]["component"]["enum"] = ["data", "model", "train", "none"]
    question = Question(
        iteration=len(history),
        sections=sections,
        order=render("analyst_order", left=left, more=more),
        images=images,
        schema=schema,
    )
    return agent.ask(question, parse)


def triage(agent: Agent, sections: tuple[Section, ...], iteration: int) -> Triage:
    """Ask who is to mend a crash that names nobody.

    Raises:
        UnusableReplyError: no reply said it.
    """
    question = Question(iteration=iteration, sections=sections, order=render("triage_order"), schema=schema_of(Triage))
    return agent.ask(question, lambda text: read_answer(text, Triage))


def feedback_by_rule(diagnosis: Diagnosis) -> Feedback:
    """What the rule-based analyst would say, for when the agent says nothing that can be used."""
    component: ComponentName = "train"
    if diagnosis.finding in {"overfit", "unbalanced"}:
        component = "data"
    elif diagnosis.finding == "converged":
        component = "model"
    return Feedback(
        seen=diagnosis.sentence,
        meaning=f"It is {diagnosis.finding}.",
        component=component,
        change=f"against {diagnosis.finding}",
        instructions=f"Make the one change in {component}.py that is most likely to help a pipeline that is "
        f"{diagnosis.finding}.",
        expectation="The validation accuracy rises.",
    )


def _refused(history: Sequence[Iteration], beside: Sequence[Proposal]) -> dict[str, str]:
    """Changes that need not be asked for -> why."""
    again = outrun(history)
    measured = (turn for turn in history[1:] if isinstance(turn.outcome, Trained) and turn.number not in again)
    lost = {idea: numbers for idea, numbers in lost_ideas(history).items() if len(numbers) >= CRASHES}
    return {
        **{_plain(idea): f"That failed to run in iterations {_and(numbers)}." for idea, numbers in lost.items()},
        **{_plain(turn.proposal.change): f"That was measured in iteration {turn.number}." for turn in measured},
        **{_plain(proposal.change): "That is tried at the same time." for proposal in beside},
    }


def _and(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def _plain(change: str) -> str:
    return "".join(char for char in idea_of(change).lower() if char.isalnum())
