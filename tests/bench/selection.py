"""What each rule of selection keeps: false improvements, regret and trainings, over simulated runs of 20 changes.

A false improvement: a change that was kept and whose true accuracy is not higher. Regret: the best true accuracy among
a run's pipelines minus that of the chosen one. Gain: the chosen one's minus the draft's; a rule that refuses what helps
has little regret and little gain. Truth is known of synthetic pipelines, and nearly of recorded ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from orchestrator.selection import LEVEL, PROMISING, Rule, decide, luck, winner
from tests.bench.figures import Figure
from tests.bench.simulated import CHANGES, Candidate, Recorded, Synthetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

SHIFTS = {300: 0.02, 1_000: 0.013, 10_000: 0.006}
"""Validation images -> how far whole trainings differ by seed, with nine times as many images to train on.

0.052 with 200 and 0.032 with 800 digits, drawn on; with 50,000 it is little: Jordan 2023, arXiv 2304.01910.
"""
MOSTLY_NOTHING, MOSTLY_HURT = (0.6, 0.2, 0.2), (0.3, 0.15, 0.55)
FINALISTS = 3


class World(Protocol):
    """Where pipelines come from."""

    def draft(self) -> Candidate: ...
    def change(self, standing: Candidate, number: int) -> Candidate: ...


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a run selects."""

    name: str
    rule: Rule
    again: bool = False
    """A promising tie is trained with another seed ..."""
    both: bool = False
    """... and so is what stands, once."""
    finals: int = 0
    """New seeds for the best three, at the end."""


def careful(level: float, promising: float | None = None, *, both: bool = False, finals: int = 0) -> Policy:
    name = f"p <= {level:g}" + (f", again to {promising:g}" if promising else "") + (", both" if both else "")
    rule = Rule(level=level, promising=promising or level)
    return Policy(name=_named(name, finals), rule=rule, again=promising is not None, both=both, finals=finals)


def any_gain(finals: int = 0) -> Policy:
    return Policy(name=_named("any gain", finals), rule=Rule(protocol="paper"), finals=finals)


def _named(name: str, finals: int) -> str:
    return f"{name}, finals {finals}" if finals else name


USUAL = careful(LEVEL, PROMISING, finals=2)
"""The default of a run."""
POLICIES = (
    any_gain(),
    *(careful(level) for level in (0.05, 0.1, 0.2)),
    *(careful(level, 0.35) for level in (0.05, 0.1, 0.2)),
    careful(0.1, 0.5),
    careful(0.1, 0.35, both=True),
    *(any_gain(finals) for finals in (1, 2)),
    careful(0.1, finals=2),
    careful(0.1, 0.35, finals=1),
    *(careful(level, 0.35, finals=2) for level in (0.05, 0.1, 0.2)),
    careful(0.1, 0.5, finals=2),
    *(careful(level, 0.35, both=True, finals=2) for level in (0.1, 0.2)),
    careful(0.2, 0.5, both=True, finals=2),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """How one simulated run went."""

    kept: int
    false: int
    regret: float
    gain: float
    trainings: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rule, over many runs."""

    name: str
    false: float
    """Percent of what was kept."""
    kept: float
    regret: float
    """Points, as the gain."""
    gain: float
    error: float
    """Standard error of regret."""
    again: float
    """Trainings that try nothing new, in a run."""

    def __str__(self) -> str:
        """Give the line of the table."""
        return (
            f"  {self.name:<56}false {self.false:4.0f} % of {self.kept:4.1f} kept   regret {self.regret:5.2f} +- "
            f"{self.error:4.2f}   gain {self.gain:5.2f}   {self.again:4.1f} trainings again"
        )


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure | Row]:  # noqa: ARG001 - nothing is written
    for images, shift in SHIFTS.items():
        yield from _table(f"{images:,}", sizes.runs, _synthetic(images, MOSTLY_NOTHING, shift))
    yield from _table("1,000, most hurt", sizes.runs, _synthetic(1_000, MOSTLY_HURT, SHIFTS[1_000]))
    yield from _table("300 recorded digits", sizes.runs, lambda seed: Recorded(seed, images=300))


def _synthetic(images: int, odds: tuple[float, float, float], shift: float) -> Callable[[int], World]:
    return lambda seed: Synthetic(seed, images=images, odds=odds, shift=shift)


def _table(name: str, runs: int, make: Callable[[int], World]) -> Iterator[Figure | Row]:
    rows = {}
    for policy in POLICIES:
        rows[policy] = _row(f"{name}: {policy.name}", [simulate(make(seed), policy) for seed in range(runs)])
        yield rows[policy]
    plain, usual = rows[POLICIES[0]], rows[USUAL]
    yield Figure(
        name=f"{name}: false, default against paper", values=(usual.false,), unit="%", at_most=round(plain.false, 1)
    )
    yield Figure(
        name=f"{name}: regret, default against paper",
        values=(usual.regret,),
        unit="points",
        at_most=round(plain.regret, 2),
    )


def simulate(world: World, policy: Policy) -> Run:
    """One run of the loop, as far as selection goes."""
    draft = standing = world.draft().once_more()
    history, kept = [draft], [draft]
    false = 0
    for number in range(CHANGES):
        candidate = world.change(standing, number).once_more()
        history.append(candidate)
        if _is_kept(candidate, standing, policy):
            kept.append(candidate)
            false += candidate.truth <= standing.truth
            standing = candidate
    chosen = _final(history, standing, policy)
    return Run(
        kept=len(kept) - 1,
        false=false,
        regret=100 * (max(each.truth for each in history) - chosen.truth),
        gain=100 * (chosen.truth - draft.truth),
        trainings=sum(len(each.trials) for each in history),
    )


def _is_kept(candidate: Candidate, standing: Candidate, policy: Policy) -> bool:
    decision = decide(candidate.trials, standing.trials, policy.rule)
    if decision.kind == "promising" and policy.again:
        candidate.once_more()
        if policy.both and len(standing.trials) == 1:
            standing.once_more()
        decision = decide(candidate.trials, standing.trials, policy.rule)
    return decision.kept


def _final(history: list[Candidate], standing: Candidate, policy: Policy) -> Candidate:
    """As `orchestrator.finals` chooses."""
    if not policy.finals:
        return standing
    scores = [trial.score for trial in standing.trials]
    others = [
        each
        for each in history
        if each is not standing and luck(scores, [trial.score for trial in each.trials]) > policy.rule.level
    ]
    left = [standing, *sorted(others, key=lambda each: each.mean, reverse=True)][:FINALISTS]
    for each in left * policy.finals:
        each.once_more()
    return left[winner([each.trials for each in left])]


def _row(name: str, runs: list[Run]) -> Row:
    regrets, kept = np.array([run.regret for run in runs]), sum(run.kept for run in runs)
    return Row(
        name=name,
        false=100 * sum(run.false for run in runs) / max(kept, 1),
        kept=kept / len(runs),
        regret=float(regrets.mean()),
        gain=float(np.mean([run.gain for run in runs])),
        error=float(regrets.std() / np.sqrt(len(runs))),
        again=float(np.mean([run.trainings for run in runs])) - CHANGES - 1,
    )
