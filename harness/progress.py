"""What the parent knows of a job: it hears the phases, appends `events.jsonl` and writes `report.json`."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

from harness.blame import Fault
from harness.channel import Step
from harness.report import CURVE_POINTS, REPORT_BYTES, Crash, Event, Report, finite, printable, shorten

if TYPE_CHECKING:
    from pathlib import Path

EVENTS_BYTES = 2 << 20
"""Of `events.jsonl`: /job/out is bounded, and a component that logs every step must not fill it."""
PACE_BYTES = EVENTS_BYTES // 4
"""Of `events.jsonl`; then the pace within epochs is told no more: four thousand times, some ten hours."""
METRICS = 32
"""Of one point; `Report.parse` refuses more than 40."""
WARNINGS = 50
WARNING, WORD = 500, 20
"""Characters: whoever writes into the pipe must not make the report too large to be written."""
FACTS = ("parameters", "frozen", "epoch_seconds", "peak_memory")


class Progress:
    """The one writer of a job's report and events."""

    def __init__(self, out: Path) -> None:
        self.report = Report()
        self.done = False
        """Whether the phase came to its end."""
        self.out_of_memory = False
        """Whether the phase crashed for want of memory."""
        self.train_until: float | None = None
        """When `train`, if it has begun, should end, on the monotonic clock of this process: no child says when."""
        self.quick_since = math.inf
        """When the current step began, if it is one that should be over in a moment."""
        self._out = out
        self._room = self._reserve()
        self._events = (out / "events.jsonl").open("ab", buffering=0)
        self._phase = ""
        self._step = Step("begin")
        self._train_seconds = 0.0
        self._train_began: float | None = None

    def begin(self, phase: str, train_seconds: float) -> None:
        """Begin a phase; `train_seconds`: the clock of `train`, if that is part of it."""
        self._train_seconds = train_seconds
        self._phase, self._step = phase, Step("begin")
        self.done = self.out_of_memory = False
        self.train_until, self.quick_since = None, math.inf
        self._set(crash=None)
        self._tell(Event(kind="phase", text=phase))

    def end(self, seconds: float) -> None:
        """Note how long the phase took."""
        self._train_over()
        self._add_seconds(self._phase, seconds)

    def write(self) -> None:
        """Write the report, whole at any moment, and with every second point of the curve if it grew too large."""
        while len(self.report.dump()) > REPORT_BYTES:
            self._set(curve=self.report.curve[1::2])
        with self._room as file:
            file.write(self.report.dump())
            file.truncate()
        os.replace(file.name, self._out / "report.json")  # noqa: PTH105 - as pathlib's, and says that it is atomic
        self._room = self._reserve()

    def close(self) -> None:
        """Give the room back."""
        self._room.close()
        with suppress(OSError):
            os.unlink(self._room.name)  # noqa: PTH108 - the name of an open file is a str
        self._events.close()

    def _reserve(self) -> IO[bytes]:
        """Make room for the next report: a component that fills the folder is told so by it."""
        file = (self._out / "report.json.part").open("wb")
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, REPORT_BYTES)
        return file

    def imported(self, seconds: float) -> None:
        self._add_seconds("import", seconds)

    def halve(self) -> None:
        self._set(batch_halvings=self.report.batch_halvings + 1)
        self.warn(f"out of memory in {self._phase}, {self._step.text}: tried again with half the batch size")

    def stopped(self, why: str) -> None:
        self._set(stopped=why)

    def warn(self, text: str) -> None:
        self._set(warnings=(*self.report.warnings, printable(text[:WARNING]))[-WARNINGS:])
        self._tell(Event(kind="warning", text=text))

    def crash(self, fault: Fault) -> None:
        self._set(
            crash=Crash(
                phase=self._phase,
                step=self._step.text,
                culprit=fault.culprit,
                error=printable(fault.error[:1000]),
                traceback=printable(shorten(fault.traceback)),
            )
        )

    @property
    def step(self) -> Step:
        """What the phase is about."""
        return self._step

    def hear(self, line: bytes) -> None:
        """Take in what a phase says. A component could write into the pipe, too: what is not ours is passed over."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        match message:
            case {"step": str(text), "owner": None | str() as owner}:
                self._step = Step(text, owner, message.get("quick") is True)
                self.quick_since = monotonic() if self._step.quick else math.inf
                self._tell(Event(kind="phase", text=f"{self._phase}: {text}"))
            case {"point": dict(metrics)}:
                bounded = dict(list(finite(metrics).items())[:METRICS])
                self._point(bounded, within=message.get("within") is True)
            case {"warning": str(text)}:
                self.warn(text)
            case {"facts": dict(facts)}:
                self._facts(finite(facts))
            case {"train_begins": True} if self.train_until is None:  # or saying it again would wind the clock up
                self._train_began = monotonic()
                self.train_until = self._train_began + self._train_seconds
            case {"train_ended": str(why)}:
                self._train_over()
                self.stopped(why[:WORD])
            case {"culprit": None | str() as culprit, "error": str(error), "traceback": str(traceback)}:
                self.out_of_memory = message.get("out_of_memory") is True
                self.crash(Fault(culprit=culprit, error=error, traceback=traceback))
            case {"done": True}:
                self.done = True

    def _point(self, metrics: dict[str, float], *, within: bool) -> None:
        if within:
            self._tell(Event(kind="pace", metrics=metrics), room=PACE_BYTES)
            return
        self._set(curve=(*self.report.curve, metrics)[-CURVE_POINTS:])
        self._tell(Event(kind="epoch", metrics=metrics))

    def _facts(self, facts: dict[str, float]) -> None:
        known = {name: facts[name] for name in FACTS if name in facts}
        whole = {name: int(value) for name, value in known.items() if name != "epoch_seconds"}
        self._set(**(known | whole))

    def _train_over(self) -> None:
        if self._train_began is not None:
            self._add_seconds("train", monotonic() - self._train_began)
        self._train_began = None

    def _add_seconds(self, part: str, seconds: float) -> None:
        before = self.report.seconds.get(part, 0.0)
        self._set(seconds=self.report.seconds | {part: round(before + seconds, 4)})

    def _set(self, **changes: Any) -> None:
        self.report = replace(self.report, **changes)

    def _tell(self, event: Event, room: int = EVENTS_BYTES) -> None:
        if self._events.tell() < room:
            with suppress(OSError):  # no room: the report, which has some, says it
                self._events.write(event.dump() + b"\n")
