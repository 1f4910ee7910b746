"""What a person sees of a run: lines that stay, and on a terminal, below them, what happens now."""

from __future__ import annotations

import textwrap
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from rich.cells import set_cell_size
from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.report import printable
from orchestrator.dataset_notes import dataset_notes
from orchestrator.dataset_profile import profile_lines
from orchestrator.interrupts import cleared_first
from orchestrator.live import Now
from orchestrator.outcome import Crashed
from orchestrator.submission import SUBMISSION
from orchestrator.view import Warned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from harness.report import Event
    from orchestrator.dataset import Dataset
    from orchestrator.ledger import Bill, Ledger
    from orchestrator.summary import Finish
    from orchestrator.team import Iteration
    from orchestrator.view import Kind

PLAIN_SECONDS = 30.0
"""Without a terminal, what happens now is said this often at the most."""
PLAIN_WIDTH = 80
"""Columns of lines that stay, where nobody says how many there are."""
NARROW, CHANGE = 56, 38
"""Columns: in fewer, a row of the table takes two lines; of the change in a row of 80 columns."""
WIDEST_CHANGE = 70
CLEARING_SECONDS = 1.0
"""What an interrupt waits for the live lines to go, while somebody may be writing."""


class Terminal:
    """Implements `View`: live where there is a terminal, plain lines where there is none."""

    def __init__(self, console: Console | None = None, *, stderr: bool = False) -> None:
        """`stderr`: keep stdout for what another program may read."""
        self.console = console or Console(highlight=False, soft_wrap=True, stderr=stderr)
        self._now = Now()
        self._live = Live(self._now, console=self.console, transient=True) if self.console.is_interactive else None
        self._warned = Warned()
        self._phase = ""
        self._said = 0.0
        self._rows = 0
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        if self._live:
            self._ending.enter_context(self._live)
            self._ending.enter_context(cleared_first(self._clear))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def say(self, text: str, kind: Kind = "note", **_facts: Any) -> None:
        """A line that stays."""
        if kind == "bill":
            self._now.spend(text)
        elif kind == "warning":
            self._warn(text)
        else:
            self._print(text)

    def phase(self, text: str, left: float | None = None) -> None:
        self._phase = text
        self._warned.begin()
        self._now.begin(text, left)
        self._plainly(text, at_once=True)

    def event(self, event: Event) -> None:
        """Progress of a job; called from the thread that drains it."""
        if event.kind == "warning":
            self._warn(event.text)
        else:
            self._now.hear(event)
            self._plainly(f"{self._phase}: {event.text or _curve_point(event)}", at_once=False)

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        width = self._width
        if self._live and not self._rows and width >= NARROW:
            self._print(f"  #  {_cell('change', _change_width(width))} accuracy    gain    time")
        self._rows += 1
        colour = "red" if isinstance(iteration.outcome, Crashed) else "green" if iteration.kept else ""
        row, *why = iteration_line(iteration, before, width).split("\n")
        self._print(row, colour)
        self._print("\n".join(why))

    def _warn(self, text: str) -> None:
        if told := self._warned.told(text):
            self._print(_indented(f"warning: {told}", self._width), "yellow")

    @property
    def _width(self) -> int:
        return self.console.width - 1 if self._live else PLAIN_WIDTH

    def _print(self, text: str, colour: str = "") -> None:
        """Whatever it says: no markup, no control characters, no emoji codes are read in it."""
        self.console.print(Text(printable(text), style=colour))

    def _plainly(self, text: str, *, at_once: bool) -> None:
        """Say what happens now in lines, where none can be drawn again."""
        if self._live is None and (at_once or time.monotonic() - self._said > PLAIN_SECONDS):
            self._print(f"     {' '.join(text.split())}")
            self._said = time.monotonic()

    def _clear(self) -> None:
        """Take the live lines away for good, from a signal's handler: whoever it interrupted may hold rich's locks."""
        if self._live:
            stopping = threading.Thread(target=self._live.stop, daemon=True)
            stopping.start()
            stopping.join(CLEARING_SECONDS)


def prepared_lines(dataset: Dataset) -> str:
    """Everything that is known of a dataset, and where some of its images can be seen."""
    size, *notes = dataset_lines(dataset).split("\n")
    sheet = [f"Some of its images, class by class: {dataset.sheet}"] if dataset.sheet.exists() else []
    return "\n".join([size, *profile_lines(dataset.facts), *notes, *sheet])


def dataset_lines(dataset: Dataset) -> str:
    """How many images and classes a dataset has, and on lines of their own what else one has to know."""
    counts = {name: split.images for name, split in dataset.facts.splits.items()}
    size = (
        f"{dataset.facts.name}: {counts['train']} training, {counts['validation']} validation and {counts['test']} "
        f"test images of {len(dataset.facts.classes)} classes."
    )
    unlabelled = dataset.facts.unlabelled
    more = [f"Images without labels, to be predicted for {SUBMISSION}: {unlabelled.images}."] if unlabelled else []
    return "\n".join([size, *more, *dataset_notes(dataset.facts)])


def iteration_line(iteration: Iteration, before: Iteration | None, width: int = PLAIN_WIDTH) -> str:
    """One iteration: what was changed, accuracy, gain, seconds, kept or not; and why, below."""
    outcome = iteration.outcome
    if isinstance(outcome, Crashed):
        measured = f"crashed {outcome.seconds:>12.0f} s"
        return f"{_row(iteration, measured, width)}\n{_indented(outcome.crash.error, width)}"
    gain = ""
    if before and not isinstance(before.outcome, Crashed):
        gain = f"{outcome.score.accuracy - before.outcome.score.accuracy:+.4f}"
    judged = "kept" if iteration.kept else "discarded"
    measured = f"{outcome.score.accuracy:.4f} {gain:>7} {outcome.seconds:>5.0f} s  {judged}"
    why = f"{iteration.proposal.reason} {iteration.verdict}".rstrip()
    return f"{_row(iteration, measured, width)}\n{_indented(why, width)}"


def _row(iteration: Iteration, measured: str, width: int) -> str:
    change = " ".join(printable(iteration.proposal.change).split())
    if width < NARROW:
        return f"{iteration.number:>3}  {_cell(change, max(width - 5, 1)).rstrip()}\n     {measured}"
    return f"{iteration.number:>3}  {_cell(change, _change_width(width))} {measured}"


def _change_width(width: int) -> int:
    """Columns of the change in a row of so many: the numbers take 41, and 38 are left of 79."""
    return min(WIDEST_CHANGE, max(10, width - 41)) if width != PLAIN_WIDTH else CHANGE


def _cell(text: str, columns: int) -> str:
    """Cut or padded to so many columns; wide characters count twice."""
    return set_cell_size(text, columns)


def finals_lines(contenders: Sequence[Mapping[str, Any]], winner: int) -> str:
    """Each pipeline of the finals with its accuracies on validation, one for each seed."""
    lines = ["Finals, on validation images, one number for each seed:"]
    for each in contenders:
        accuracies = "  ".join(f"{accuracy:.4f}" for accuracy in each["validation"])
        won = "  won" if each["iteration"] == winner else ""
        lines.append(f"{each['iteration']:>3}  {each['change'][:38]:<38} {accuracies}{won}")
    return "\n".join(lines)


def result_lines(finish: Finish, majority: float) -> str:
    """The answer: test accuracy with its interval, and what it means."""
    final, draft = finish.final, finish.draft
    low, high = finish.test.interval
    lines = [
        f"Test accuracy {finish.test.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})",
        f"on {finish.test.images} images that no choice was made on.",
    ]
    if finish.ending:
        lines += [textwrap.fill(finish.ending.sentence, 80), f"The winner as it was had {final.test.accuracy:.4f}."]
    if len(finish.seeds) > 1:
        others = ", ".join(f"{each.test.accuracy:.4f}" for each in finish.seeds if each is not final)
        mean = sum(each.test.accuracy for each in finish.seeds) / len(finish.seeds)
        lines.append(f"Trained with other seeds it had {others}: {mean:.4f} in the mean.")
    if draft and draft.iteration.number != final.iteration.number:
        lines.append(f"The first draft had {draft.test.accuracy:.4f}.")
    lines.append(f"Always naming the most frequent class would have {majority:.4f}.")
    return "\n".join(lines)


def bill_lines(ledger: Ledger) -> str:
    """What the language models cost, by agent."""
    rows: list[tuple[str, ...]] = [("", "calls", "tokens in", "cached", "out", "seconds", "USD")]
    rows += [_bill_row(agent.replace("_", " "), bill) for agent, bill in ledger.by_agent().items()]
    rows.append(_bill_row("all", ledger.total()))
    table = "\n".join(f"{row[0]:<18}" + "".join(f"{cell:>11}" for cell in row[1:]).rstrip() for row in rows)
    return f"\nThe language models' bill:\n{table}\n"


def _bill_row(name: str, bill: Bill) -> tuple[str, ...]:
    usd = "unknown" if bill.usd is None else f"{bill.usd:.4f}"
    counts = (f"{bill.calls}", f"{bill.tokens_in:,}", f"{bill.cached:,}", f"{bill.tokens_out:,}")
    return (name, *counts, f"{bill.seconds:.0f}", usd)


def _curve_point(event: Event) -> str:
    metrics = event.metrics
    parts = [f"epoch {metrics['epoch']:.0f}"] if "epoch" in metrics else []
    shown = [name for name in ("loss", "accuracy", "tuning_accuracy") if name in metrics]
    parts += [f"{name.replace('_', ' ')} {metrics[name]:.4f}" for name in shown]
    if "seconds_left" in metrics:
        parts.append(f"{metrics['seconds_left']:.0f} s left at most")
    return ", ".join(parts)


def _indented(text: str, width: int = PLAIN_WIDTH) -> str:
    """A sentence below a row of the table, within 80 columns, or fewer where there are fewer."""
    return textwrap.fill(
        printable(text), max(20, min(width, PLAIN_WIDTH)), initial_indent="     ", subsequent_indent="     "
    )
