"""What a phase tells its parent while it runs: one JSON object a line, through a pipe.

Said at once and not at the end, so that a phase that is killed has told everything up to then.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from harness.report import finite

if TYPE_CHECKING:
    from harness.blame import Fault


@dataclass(frozen=True)
class Step:
    """What a phase is about, and whose fault it is if nothing else says so."""

    text: str
    owner: str | None = None
    quick: bool = False
    """Whether it should be over in a moment: no network is at work, or one on two images."""


class Steps(Protocol):
    """Who is told what comes next."""

    def step(self, text: str, owner: str | None = None, *, quick: bool = False) -> None: ...


class Channel:
    """The child's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.current = Step("begin")

    def step(self, text: str, owner: str | None = None, *, quick: bool = False) -> None:
        self.current = Step(text, owner, quick)
        self._say({"step": text, "owner": owner, "quick": quick})

    def point(self, metrics: dict[str, float]) -> None:
        self._say({"point": finite(metrics)})

    def pace(self, **metrics: float) -> None:
        """Say how far an epoch is, and how fast; nothing that the report keeps."""
        self._say({"point": finite(metrics), "within": True})

    def warn(self, text: str) -> None:
        self._say({"warning": text[:500]})

    def facts(self, **facts: float) -> None:
        """Say `parameters`, `frozen`, `epoch_seconds` or `peak_memory` of the report."""
        self._say({"facts": finite(facts)})

    def train_begins(self) -> None:
        """Say that `train` begins. When it should end is the parent's to know: a component can reach this."""
        self._say({"train_begins": True})

    def train_ended(self, why: str) -> None:
        """Say that it ended: by itself, or why it was ended, as `Report.stopped` has it."""
        self._say({"train_ended": why})

    def crash(self, fault: Fault, *, out_of_memory: bool) -> None:
        self._say(asdict(fault) | {"out_of_memory": out_of_memory})

    def done(self) -> None:
        """Say that the phase came to its end: a component may call `os._exit(0)`."""
        self._say({"done": True})

    def _say(self, message: dict[str, object]) -> None:
        line = json.dumps(message).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]
