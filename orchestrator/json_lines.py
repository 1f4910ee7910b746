"""The view for programs: `--json`. One JSON object a line on stdout, and nothing else there.

Each has `event`, `time` (seconds since 1970) and, but for an iteration, `text`: what a person would read. Beside these:

    begin      run (its name), folder, dataset, images, classes, team, sandbox, iterations (planned), done (before now)
    phase      seconds_left: of the whole run, estimated; null where it is not known
    progress   metrics: of the job that runs (epoch, loss, tuning_accuracy, images_per_second, seconds_left ...)
    note, warning
    bill       usd, tokens: of language models, until now; usd is null where a price is unknown
    iteration  number, turn, component, change, reason, verdict, kept, attempts, seconds, accuracy, interval, gain,
               error; without an accuracy it crashed, and error says why
    final      winner, contenders: each with iteration, change, seeds and validation accuracies
    answer     folder, and the fields of summary.json without the tables; of `prepare`: what it says of the dataset

Fields are added, never renamed. A run without an `answer` did not end: stderr and the exit status say why.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from harness.report import printable
from orchestrator.outcome import Crashed
from orchestrator.view import Warned

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report import Event
    from orchestrator.team import Iteration
    from orchestrator.view import Kind

PROGRESS_SECONDS = 1.0
"""Progress is told this often at the most: an epoch may take a millisecond."""


class JsonLines:
    """Implements `View`."""

    def __init__(self, file: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file or sys.stdout
        self._clock = clock
        self._lock = threading.Lock()
        self._warned = Warned()
        self._told = -PROGRESS_SECONDS

    def phase(self, text: str, left: float | None = None) -> None:
        self._warned.begin()
        self._tell("phase", text=printable(text), seconds_left=None if left is None else round(left, 1))

    def event(self, event: Event) -> None:
        if event.kind == "warning":
            self.say(event.text, "warning")
        elif self._clock() - self._told >= PROGRESS_SECONDS:
            self._told = self._clock()
            self._tell("progress", text=printable(event.text), metrics=dict(event.metrics))

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        self._tell("iteration", **iteration_facts(iteration, before))

    def say(self, text: str, kind: Kind = "note", **facts: Any) -> None:
        if kind != "warning" or self._warned.told(text):
            self._tell(kind, text=printable(text).strip(), **facts)

    def _tell(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "time": round(time.time(), 3), **facts}, default=str)
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()


def iteration_facts(iteration: Iteration, before: Iteration | None) -> dict[str, Any]:
    """An iteration, for programs."""
    outcome, proposal = iteration.outcome, iteration.proposal
    facts = {
        "number": iteration.number,
        "turn": iteration.turn,
        "component": proposal.component,
        "change": printable(proposal.change),
        "reason": printable(proposal.reason),
        "verdict": iteration.verdict,
        "kept": iteration.kept,
        "attempts": iteration.attempts,
        "seconds": round(outcome.seconds, 1),
    }
    if isinstance(outcome, Crashed):
        return facts | {"accuracy": None, "interval": None, "gain": None, "error": printable(outcome.crash.error)}
    gain = None
    if before and not isinstance(before.outcome, Crashed):
        gain = round(outcome.score.accuracy - before.outcome.score.accuracy, 6)
    return facts | {
        "accuracy": outcome.score.accuracy,
        "interval": outcome.score.interval,
        "gain": gain,
        "error": None,
    }
