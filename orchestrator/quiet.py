"""The view for whoever wants the answer and nothing else: `--quiet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report import printable

if TYPE_CHECKING:
    from harness.report import Event
    from orchestrator.team import Iteration
    from orchestrator.view import Kind


class Quiet:
    """Implements `View`; errors are the command's, on stderr."""

    def phase(self, text: str, left: float | None = None) -> None:
        """Be quiet."""

    def event(self, event: Event) -> None:
        """Be quiet."""

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        """Be quiet."""

    def say(self, text: str, kind: Kind = "note", **_facts: Any) -> None:
        if kind == "answer":
            print(printable(text).strip("\n"), flush=True)
