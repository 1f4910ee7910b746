"""The summarizer: a pipeline in three lines, so that a long history stays short (paper, section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.agent import Question, UnusableReplyError
from orchestrator.briefing import pipeline_sections
from prompts.words import render

if TYPE_CHECKING:
    from orchestrator.agent import Agent
    from orchestrator.team import Choice, Iteration

LONGEST = 700
"""Characters: a long history is made of these."""


def summarize(agent: Agent, iteration: Iteration) -> str:
    """The configuration of an iteration: by rule where it is a filled-in recipe, else the summarizer's words."""
    proposal = iteration.proposal
    if proposal.choice:
        return describe_choice(proposal.choice)
    question = Question(
        iteration=iteration.number,
        sections=tuple(pipeline_sections(proposal.pipeline)),
        order=render("summarizer_order"),
    )
    try:
        return agent.ask(question, _few_lines)
    except UnusableReplyError:
        return ""


def describe_choice(choice: Choice) -> str:
    """A recipe and what is set in it; the rest is as the recipe has it."""
    settings = ", ".join(f"{name} {value}" for name, value in choice.values.items())
    return f"recipe {choice.recipe} with {settings or 'its defaults'}"


def _few_lines(text: str) -> str:
    lines = [line.strip(" -*`") for line in text.splitlines()]
    return "\n  ".join(line for line in lines if line)[:LONGEST]
