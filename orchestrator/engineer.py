"""The Data, Model and Training Engineer: each writes or mends one file, whole.

What could not run is sent back before a container is asked; so is what has failed already.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.agent import Question, RepeatedReplyError, UnusableReplyError
from orchestrator.code_blocks import find_file, owners
from orchestrator.material import fenced
from orchestrator.splice import borrow, splice
from orchestrator.static_check import LARGEST, InvalidComponentError, check_component, undefined_names
from orchestrator.versions import UNREADABLE, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.agent import Agent
    from orchestrator.components import ComponentName
    from orchestrator.material import Section

LENDINGS = 10
"""Rounds in which what was lent lacks something itself: each reads the file anew."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an engineer is to do."""

    component: ComponentName
    iteration: int
    sections: tuple[Section, ...]
    """What there is to know: dataset, blueprint, feedback or crash, the files."""
    words: str
    """The order itself."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Fingerprint of a version -> why it need not be sent again."""
    reference: str = ""
    """A proven file of this kind: lent where a reply lacks its helpers, shown to an engineer who repeats themselves."""
    before: str = ""
    """The file as it is: what a reply leaves out of it stays."""


def write(agent: Agent, order: Order) -> str:
    """A new version of the engineer's file that parses, has its functions and names what it defines.

    Raises:
        UnusableReplyError: no reply held one.
    """
    refused = dict(order.refused)

    def parse(text: str) -> str:
        source = find_file(text, order.component)
        if not source.strip():
            raise UnusableReplyError(f"It holds no code. {order.component}.py belongs whole into one fence.")
        if len(source) > LARGEST:
            raise UnusableReplyError(f"{order.component}.py has {len(source):,} characters: far too long.")
        source = lend(complete(order.component, source, order.before), order.before, order.reference)
        if reason := refused.get(fingerprint(source)):
            raise RepeatedReplyError(reason)
        try:
            check_component(order.component, source)
        except InvalidComponentError as error:
            refused[fingerprint(source)] = f"This is the file that you sent before, and still: {error}"
            raise UnusableReplyError(str(error)) from None
        return source

    example = f"Here is a {order.component}.py that is known to run; adapt it:\n\n{fenced(order.reference, 'python')}"
    question = Question(iteration=order.iteration, sections=order.sections, order=order.words, example=example)
    return agent.ask(question, parse)


def complete(component: ComponentName, source: str, before: str) -> str:
    """The source; where it lacks a required function that the file had, it is a part, and put into that file."""
    if not source.strip() or component in owners(source) or component not in owners(before):
        return source
    with suppress(*UNREADABLE):
        return splice(before, source)
    return source


def lend(source: str, *known: str) -> str:
    """The source with what it uses and does not define, as far as files that the agent was shown define it."""
    for file in known if len(source) <= LARGEST else ():  # what is longer is refused
        lacking = undefined_names(source)
        before: set[str] = set()
        for _ in range(LENDINGS):
            if not lacking or lacking == before:
                break
            with suppress(*UNREADABLE):
                source = borrow(source, lacking, file)
            lacking, before = undefined_names(source), lacking
    return source
