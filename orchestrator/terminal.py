"""What a person sees while a run goes on: one live line for what happens now, one lasting line per iteration."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from orchestrator.dataset_notes import dataset_notes
from orchestrator.dataset_profile import profile_lines
from orchestrator.outcome import Crashed
from orchestrator.submission import SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from harness.report import Event
    from orchestrator.dataset import Dataset
    from orchestrator.ledger import Bill, Ledger
    from orchestrator.summary import Finish
    from orchestrator.team import Iteration

PLAIN_SECONDS = 30.0
"""Without a terminal, what happens now is said this often at the most."""


class Terminal:
    """Live where there is a terminal, plain lines where there is none."""

    def __init__(self, console: Console | None = None, *, stderr: bool = False) -> None:
        """`stderr`: keep stdout for what another program may read."""
        self.console = console or Console(highlight=False, soft_wrap=True, stderr=stderr)
        self._live = self.console.is_terminal
        self._status = Status("", console=self.console)
        self._phase = ""
        self._said = 0.0
        self.on_phase: Callable[[str], None] = lambda _: None
        """Whoever else wants to know what begins."""

    def __enter__(self) -> Self:
        if self._live:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(text, markup=False)

    def phase(self, text: str) -> None:
        self._phase = text
        self.on_phase(text)
        self._show(text, at_once=True)

    def event(self, event: Event) -> None:
        """Progress of a job; called from the thread that drains it."""
        if event.kind == "warning":
            self.say(f"     warning: {event.text}")
        else:
            self._show(f"{self._phase}: {event.text or _curve_point(event)}", at_once=False)

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        self.say(iteration_line(iteration, before))

    def _show(self, text: str, *, at_once: bool) -> None:
        if self._live:
            self._status.update(Text(" ".join(text.split())[: self.console.width - 4]))
        elif at_once or time.monotonic() - self._said > PLAIN_SECONDS:
            self.say(f"     {text}")
            self._said = time.monotonic()


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


def iteration_line(iteration: Iteration, before: Iteration | None) -> str:
    """One iteration: what was changed, accuracy, gain, seconds, kept or not; and why, below."""
    outcome = iteration.outcome
    change = iteration.proposal.change[:38]
    if isinstance(outcome, Crashed):
        return (
            f"{iteration.number:>3}  {change:<38} crashed {outcome.seconds:>12.0f} s\n{_indented(outcome.crash.error)}"
        )
    gain = ""
    if before and not isinstance(before.outcome, Crashed):
        gain = f"{outcome.score.accuracy - before.outcome.score.accuracy:+.4f}"
    judged = "kept" if iteration.kept else "discarded"
    measured = f"{outcome.score.accuracy:.4f} {gain:>7} {outcome.seconds:>5.0f} s"
    why = f"{iteration.proposal.reason} {iteration.verdict}".rstrip()
    return f"{iteration.number:>3}  {change:<38} {measured}  {judged}\n{_indented(why)}"


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


def _indented(text: str) -> str:
    """A sentence below a line of the table, within 80 columns."""
    return textwrap.fill(text, 80, initial_indent="     ", subsequent_indent="     ")
