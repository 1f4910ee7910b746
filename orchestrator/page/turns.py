"""What there is to see of each iteration, bounded: texts of models and components are cut, with a note."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from harness.report import printable, shorten
from orchestrator.ledger import read_exchanges
from orchestrator.memory import gains
from orchestrator.outcome import Crashed, Trained
from orchestrator.page.diffs import Diff, Line, diff_pipelines, parse_diff
from orchestrator.team import best

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.outcome import Outcome
    from orchestrator.replay import Replay
    from orchestrator.team import Iteration, Repair

PAGE_WORDS, TURN_WORDS = 500_000, 30_000
"""Characters of all conversations and tracebacks of a page, and of those of one iteration at the most."""
PAGE_LINES, DIFF_LINES = 4_500, 300
"""The same for the lines of diffs: of the page, and of a component."""
POINTS = 120
"""Of a learning curve; more cannot be told apart at the width of a page."""
SHOWN = {"asked": 0.5, "replied": 0.25, "traceback": 0.25}
"""Shares of an iteration's words."""
EXCHANGES = 24
"""Of an iteration: all that a usual one takes, four repairs included."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A crash within an iteration, and what was changed about it."""

    error: str
    where: str
    traceback: str
    fix: tuple[Line, ...]
    worked: bool


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One question to a language model and its answer."""

    agent: str
    model: str
    tokens: int
    usd: float | None
    seconds: float
    asked: str
    replied: str
    cut_off: bool


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An iteration."""

    number: int
    mark: Literal["kept", "discarded", "crashed"]
    change: str
    component: str
    reason: str
    notes: str
    verdict: str
    base: int | None
    """The iteration that was changed."""
    accuracy: float | None
    interval: tuple[float, float]
    images: int
    gain: float | None
    """Points of accuracy over the best of that time."""
    again: tuple[float, ...]
    """Accuracies with other seeds."""
    seconds: float
    parameters: int
    stopped: str
    warnings: tuple[str, ...]
    curve: tuple[dict[str, float], ...]
    diffs: tuple[Diff, ...]
    failures: tuple[Failure, ...]
    exchanges: tuple[Exchange, ...]
    more: int
    """Exchanges that are not shown."""


def read_turns(run: Path, replayed: Replay) -> list[Turn]:
    """All iterations so far."""
    history = replayed.history
    spoken = _by_iteration(read_exchanges(run))
    return [_turn(iteration, replayed, spoken.get(iteration.number, [])) for iteration in history]


def _turn(iteration: Iteration, replayed: Replay, spoken: Sequence[dict[str, Any]]) -> Turn:
    history, proposal, outcome = replayed.history, iteration.proposal, iteration.outcome
    base = _base(iteration, history)
    trained = outcome if isinstance(outcome, Trained) else None
    words = min(TURN_WORDS, PAGE_WORDS // len(history))
    lines = min(DIFF_LINES, PAGE_LINES // len(history))
    return Turn(
        number=int(iteration.number),
        mark="crashed" if trained is None else "kept" if iteration.kept else "discarded",
        change=_words(proposal.change),
        component=proposal.component or "",
        reason=_words(proposal.reason, 4000),
        notes=_words(proposal.notes, words // 4),
        verdict=_words(iteration.verdict),
        base=base.number if base else None,
        accuracy=_share(trained.score.accuracy) if trained else None,
        interval=(_share(trained.score.interval[0]), _share(trained.score.interval[1])) if trained else (0.0, 0.0),
        images=int(trained.score.images) if trained else 0,
        gain=gains(history).get(iteration.number),
        again=tuple(_share(each.score.accuracy) for each in iteration.again),
        seconds=_finite(outcome.seconds),
        parameters=trained.report.parameters if trained else 0,
        stopped=trained.report.stopped if trained else "",
        warnings=trained.report.warnings[:10] if trained else (),
        curve=thin(trained.report.curve) if trained else (),
        diffs=diff_pipelines(base.proposal.pipeline if base else None, proposal.pipeline, lines),
        failures=_failures(iteration, replayed.executions, words, lines),
        exchanges=tuple(_exchange(each, words // max(1, len(spoken[:EXCHANGES]))) for each in spoken[:EXCHANGES]),
        more=max(0, len(spoken) - EXCHANGES),
    )


def thin(curve: Sequence[dict[str, float]]) -> tuple[dict[str, float], ...]:
    """At most so many points of a curve, the last one among them."""
    step = -(-len(curve) // POINTS)
    return tuple(reversed(curve[::-1][:: max(1, step)]))


def _base(iteration: Iteration, history: Sequence[Iteration]) -> Iteration | None:
    """The one that was changed: the best of that time; while nothing had trained, the one before."""
    earlier = [each for each in history if each.turn < iteration.turn]
    return best(earlier) or (earlier[-1] if earlier else None)


def _failures(iteration: Iteration, executions: dict[str, Outcome], words: int, lines: int) -> tuple[Failure, ...]:
    """Each attempt that crashed, the repaired ones and the last."""
    last = [iteration.outcome] if isinstance(iteration.outcome, Crashed) else []
    each = round(words * SHOWN["traceback"] / max(1, len(iteration.repairs) + len(last)))
    place = f"iterations/{iteration.number:03}/attempt-"
    repaired = [
        _failure(repair.error, executions.get(f"{place}{attempt}"), each, repair, lines)
        for attempt, repair in enumerate(iteration.repairs, start=1)
    ]
    return (*repaired, *(_failure(outcome.crash.error, outcome, each, None, lines) for outcome in last))


def _failure(error: str, outcome: Outcome | None, words: int, repair: Repair | None, lines: int) -> Failure:
    crash = outcome.crash if isinstance(outcome, Crashed) else None
    whose = f", {crash.culprit}.py" if crash and crash.culprit else ""
    return Failure(
        error=_words(error),
        where=_words(f"{crash.phase}: {crash.step}{whose}") if crash else "before it was executed",
        traceback=_words(crash.traceback or outcome.log, words) if crash and isinstance(outcome, Crashed) else "",
        fix=parse_diff(repair.fix, lines) if repair else (),
        worked=bool(repair and repair.worked),
    )


def _by_iteration(exchanges: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    spoken: dict[int, list[dict[str, Any]]] = {}
    for exchange in exchanges:
        spoken.setdefault(int(exchange["iteration"]), []).append(exchange)
    return spoken


def _exchange(raw: dict[str, Any], words: int) -> Exchange:
    usage, usd = raw["usage"], raw["usd"]
    messages = raw.get("prompt", {}).get("messages", [])
    asked = "\n\n".join(f"[{message['role']}]\n{message['text']}" for message in messages)
    return Exchange(
        agent=_words(str(raw["agent"]), 40).replace("_", " "),
        model=_words(str(raw["model"]), 100),
        tokens=int(usage["tokens_in"]) + int(usage["tokens_out"]),
        usd=None if usd is None else _finite(usd),
        seconds=_finite(raw["seconds"]),
        asked=_words(asked, round(words * SHOWN["asked"])),
        replied=_words(str(raw["reply"]), round(words * SHOWN["replied"])),
        cut_off=bool(raw["cut_off"]),
    )


def _finite(value: float) -> float:
    """The same number.

    Raises:
        ValueError: it is none.
    """
    if not isfinite(float(value)):
        raise ValueError(f"{value} where a number was expected")
    return float(value)


def _share(value: float) -> float:
    """The same number, 0..1.

    Raises:
        ValueError: it is none.
    """
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{value} where a share was expected")
    return float(value)


def _words(text: str, limit: int = 1000) -> str:
    return printable(shorten(text, limit))
