"""The tables of the crash study, and its targets."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.bench.record import Measured

SOON = 15.0
"""Seconds of container time, until which a fault should be known."""
TARGET = 0.95
"""Of the faults; and of those that are known, to be blamed on the right engineer."""
HEAD = ("class", "faults", "static", "check", "later", "verdict", "missed", "median s", "worst s", "blamed", "mended")
COLUMNS = {"static": ("static",), "check": ("check",), "later": ("fit", "predict"), "verdict": ("verdict",)}
"""What became known where; `missed` stands beside."""


@dataclass(frozen=True)
class Figures:
    """Of some faults."""

    faults: Sequence[Measured]

    @property
    def known(self) -> list[Measured]:
        return [each for each in self.faults if each.where != "missed"]

    @property
    def missed(self) -> list[Measured]:
        return [each for each in self.faults if each.where == "missed"]

    @property
    def soon(self) -> int:
        return sum(each.seconds <= SOON for each in self.known)

    @property
    def blamed(self) -> int:
        """On the right engineer."""
        return sum(each.blamed == each.culprit for each in self.known)

    def row(self, name: str) -> list[str]:
        """A line of the table: counts, seconds until known, blame, repairs."""
        where = [sum(each.where in places for each in self.faults) for places in COLUMNS.values()]
        seconds = [each.seconds for each in self.known]
        times = [f"{median(seconds):.1f}", f"{max(seconds):.1f}"] if seconds else ["", ""]
        counts = [str(count or "") for count in (*where, len(self.missed))]
        return [name, str(len(self.faults)), *counts, *times, f"{self.blamed}/{len(self.known)}", self._mended()]

    def _mended(self) -> str:
        """Of how many that the team was given, and at which try: `5/6 (1st 4, 2nd 1)`."""
        given = [each for each in self.faults if each.tries]
        at = [each.repaired for each in given if each.repaired]
        tries = ", ".join(f"try {number}: {at.count(number)}" for number in sorted(set(at)))
        return f"{len(at)}/{len(given)}" + f" ({tries})" * bool(tries) if given else ""


def rows(faults: Sequence[Measured]) -> list[list[str]]:
    """The table: a line for each class, and one for all."""
    kinds = sorted({each.kind for each in faults})
    classes = [Figures([each for each in faults if each.kind == kind]).row(kind) for kind in kinds]
    return [*classes, Figures(faults).row("all")]


def sentences(faults: Sequence[Measured], good: Sequence[Measured]) -> Iterator[str]:
    """The targets, and what is beside the table: false alarms, what was missed, what was blamed on another."""
    figures = Figures(faults)
    yield _target(f"known within {SOON:g} s of container time", figures.soon, len(faults))
    yield _target("of what is known, blamed on the right engineer", figures.blamed, len(figures.known))
    early = sum(each.where in ("static", "check") for each in faults)
    yield f"Known before training began: {early} of {len(faults)}."
    alarms = [f"{each.key} ({each.said})" for each in good if each.where != "missed"]
    yield f"False alarms on {len(good)} good pipelines: {'; '.join(alarms) or 'none'}."
    yield from (f"Missed: {_line(each)}, accuracy {each.accuracy:.3f}" for each in figures.missed)
    yield from (f"Late: {_line(each)}, {each.seconds:.1f} s" for each in figures.known if each.seconds > SOON)
    wrong = (each for each in figures.known if each.blamed != each.culprit)
    yield from (f"Blamed on {each.blamed or 'nobody'}: {_line(each)}: {each.said[:100]}" for each in wrong)


def _target(what: str, reached: int, of: int) -> str:
    share = reached / of if of else 1.0
    return f"Target {TARGET:.0%} {what}: {reached} of {of}, {share:.1%}: {'met' if share >= TARGET else 'MISSED'}."


def _line(each: Measured) -> str:
    return f"{each.key} [{each.kind}]"
