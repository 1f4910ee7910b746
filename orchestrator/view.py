"""Who watches a run: what a view gets to know of it, whatever it makes of that."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from harness.report import Event
    from orchestrator.team import Iteration

Kind = Literal["note", "begin", "warning", "bill", "final", "answer"]
"""Of what is said. `bill`: what was spent until now; `final`: what the finals came to; `answer`: what was asked for."""

WARNINGS = 5
"""Different ones of one phase that are shown; a component can warn without end, and all are in its report."""


class View(Protocol):
    """Who watches."""

    def phase(self, text: str, left: float | None = None) -> None:
        """Something begins that takes a while. `left`: seconds that all of the run may still take, if known."""
        ...

    def event(self, event: Event) -> None:
        """Progress of a job; called from the thread that drains it."""
        ...

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        """An iteration is over; `before`: the best until then."""
        ...

    def say(self, text: str, kind: Kind = "note", **facts: Any) -> None:
        """Something that lasts. `facts`: the same for programs, as JSON can hold it."""
        ...


@dataclass(frozen=True)
class Heard:
    """Implements `View`: another one, of which somebody else hears, too."""

    view: View
    on_phase: Callable[[str], None] | None = None
    on_iteration: Callable[[Iteration], None] | None = None

    def phase(self, text: str, left: float | None = None) -> None:
        if self.on_phase:
            self.on_phase(text)
        self.view.phase(text, left)

    def event(self, event: Event) -> None:
        self.view.event(event)

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        self.view.iteration(iteration, before)
        if self.on_iteration:
            self.on_iteration(iteration)

    def say(self, text: str, kind: Kind = "note", **facts: Any) -> None:
        self.view.say(text, kind, **facts)


class Warned:
    """Which warnings of a phase were heard already, and when there were enough."""

    def __init__(self) -> None:
        self._heard: set[str] = set()

    def begin(self) -> None:
        """Begin a phase."""
        self._heard.clear()

    def told(self, text: str) -> str:
        """What to tell of a warning; empty: nothing."""
        if text in self._heard or len(self._heard) > WARNINGS:
            return ""
        self._heard.add(text)
        return text if len(self._heard) <= WARNINGS else "more warnings follow: the report of the training has them"


@contextmanager
def open_view(given: argparse.Namespace) -> Iterator[View]:
    """The view that a command line asks for: `--quiet`, `--json`, or a terminal."""
    if given.quiet:
        from orchestrator.quiet import Quiet

        yield Quiet()
    elif given.json:
        from orchestrator.json_lines import JsonLines

        yield JsonLines()
    else:
        from orchestrator.terminal import Terminal

        with Terminal() as terminal:
            yield terminal
