"""What happens now, on a terminal: three lines at most, drawn again and again; nothing in them has to last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.spinner import Spinner
from rich.text import Text

from harness.report import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console, ConsoleOptions

    from harness.report import Event

WIDEST, ECHO = 78, 2
"""Columns. What is not wider than most terminals leaves no rest behind when one is made narrower; ^C takes two."""
SHOWN = ("tuning_accuracy", "loss", "accuracy")
"""Of a training's metrics, the most important first: what comes last may be cut off."""


class Now:
    """What happens now; drawn by the thread of rich's `Live`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spinner = Spinner("dots")
        self._phase, self._step, self._bill = "", "", ""
        self._began = clock()
        self._metrics: dict[str, float] = {}
        self._training_ends: float | None = None
        self._run_ends: float | None = None

    def begin(self, phase: str, left: float | None) -> None:
        """A phase begins; `left`: seconds of the whole run, or None where nobody knows better than before."""
        self._phase, self._step = phase, ""
        self._began = self._clock()
        self._metrics, self._training_ends = {}, None
        if left is not None:
            self._run_ends = self._clock() + left

    def hear(self, event: Event) -> None:
        """Progress of a job."""
        if event.text:
            self._step, self._metrics, self._training_ends = event.text, {}, None
            return
        self._metrics = self._metrics | event.metrics
        if "seconds_left" in event.metrics:
            self._training_ends = self._clock() + event.metrics["seconds_left"]

    def spend(self, bill: str) -> None:
        """What language models cost so far."""
        self._bill = bill

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        if not self._phase:
            return
        width = min(WIDEST, options.max_width - 1 - ECHO)
        spinner = self._spinner.render(time.monotonic())
        mark = spinner.plain if isinstance(spinner, Text) and not options.ascii_only else "-"
        passed = f"  {duration(self._clock() - self._began)}"
        first = _fitting(f"{mark} ", self._phase, max(width - len(passed), 1))
        yield first.append(passed)
        for line in (self._doing(), self._whole()):
            if line:
                yield _fitting("  ", line, width)

    def _doing(self) -> str:
        """The step of the job, or how its training goes."""
        if not self._metrics:
            return self._step
        left = None if self._training_ends is None else self._training_ends - self._clock()
        return training_line(self._metrics, left)

    def _whole(self) -> str:
        """The run: how long it may still take, and what it has cost."""
        left = None if self._run_ends is None else self._run_ends - self._clock()
        parts = [] if left is None else [f"the run: about {duration(left)} left"]
        return "; ".join([*parts, *([f"spent: {self._bill}"] if self._bill else [])])


def training_line(metrics: Mapping[str, float], left: float | None) -> str:
    """How a training goes, in one line."""
    parts = [f"epoch {metrics['epoch']:.0f}"] if "epoch" in metrics else []
    if left is not None:
        parts.append(f"up to {duration(left)} left")
    if "images_per_second" in metrics:
        parts.append(f"{metrics['images_per_second']:,.0f} images/s")
    return ", ".join([*parts, *(f"{name.replace('_', ' ')} {metrics[name]:.3f}" for name in SHOWN if name in metrics)])


def duration(seconds: float) -> str:
    """As a person says it: 42 s, 3 min 20 s, 5 h 10 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _fitting(indent: str, text: str, width: int) -> Text:
    """One line of so many columns at most, whatever is in it; wide characters count twice."""
    line = Text(f"{indent}{' '.join(printable(text).split())}", no_wrap=True, overflow="crop")
    line.truncate(width, overflow="ellipsis")
    return line
