"""What a journal tells: its events, read strictly, as the values that they were made of."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import Crash, Report
from orchestrator.components import Pipeline
from orchestrator.errors import AutoModelError
from orchestrator.outcome import Crashed, Outcome, Trained
from orchestrator.scoring import Score
from orchestrator.team import Choice, Iteration, Proposal, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DamagedJournalError(AutoModelError):
    """Raised when a line of a journal is not what `record` wrote."""


FORMAT = 2
"""Of a journal: 2 holds every execution as an event of its own, and which images each score counts as right."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a journal tells so far, for who only reads it."""

    events: list[dict[str, Any]]
    history: list[Iteration]
    executions: dict[str, Outcome]
    """The folder of each within the run's, and what it came to."""
    seconds: float
    """As `Journal.seconds_spent`."""


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a run, oldest first; a torn last line is none.

    Raises:
        DamagedJournalError: another line is no event.
    """
    path = folder / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    with refusing(path):
        return [_event(line) for line in lines]


def replay(folder: Path) -> Replay:
    """What the journal of a run tells, also while the run goes on: nothing is locked or cut off.

    Raises:
        DamagedJournalError: as for `Journal`.
    """
    path, events = folder / "journal.jsonl", read_events(folder)
    require_format(path, events)
    with refusing(path):
        ended = {event["place"]: parse_outcome(event["outcome"]) for event in events if event["kind"] == "execution"}
        return Replay(events=events, history=parse_history(events), executions=ended, seconds=seconds_spent(events))


def seconds_spent(events: list[dict[str, Any]]) -> float:
    begins = [event for event in events if event["kind"] == "begin"]
    return float(begins[-1]["spent"] + events[-1]["time"] - begins[-1]["time"]) if begins else 0.0


def require_format(path: Path, events: list[dict[str, Any]]) -> None:
    """Refuse to continue what another version wrote: its decisions cannot be made again here."""
    written = next((event.get("format", 1) for event in events if event["kind"] == "begin"), FORMAT)
    if written != FORMAT:
        raise DamagedJournalError(
            f"{path} was begun by another version of AutoModel (format {written}, not {FORMAT}): "
            "begin another run with --new."
        )


def parse_history(events: list[dict[str, Any]]) -> list[Iteration]:
    return [_iteration(event) for event in events if event["kind"] == "iteration"]


def _iteration(event: dict[str, Any]) -> Iteration:
    choice = event["choice"]
    return Iteration(
        number=event["number"],
        proposal=Proposal(
            pipeline=Pipeline(**event["components"]),
            component=event["component"],
            change=event["change"],
            reason=event["reason"],
            choice=None if choice is None else Choice(**choice),
            notes=event["notes"],
        ),
        outcome=parse_outcome(event["outcome"]),
        attempts=event["attempts"],
        kept=event["kept"],
        repairs=tuple(Repair(**repair) for repair in event["repairs"]),
        turn=event["turn"],
        again=tuple(each for each in map(parse_outcome, event["again"]) if isinstance(each, Trained)),
        verdict=event["verdict"],
    )


def _event(line: bytes) -> dict[str, Any]:
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        raise TypeError(f"{line[:40]!r} is no event")
    return event


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Say in one sentence that what was read is not what was written."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedJournalError(
            f"{path} is damaged ({type(error).__name__}: {error}): begin another run with --new, or mend the line."
        ) from error


def parse_outcome(raw: dict[str, Any]) -> Outcome:
    if "score" not in raw:
        return Crashed(crash=Crash(**raw["crash"]), log=raw["log"], seconds=raw["seconds"])
    report = Report.parse(json.dumps(raw["report"]).encode())
    return Trained(
        score=parse_score(raw["score"]), report=report, seconds=raw["seconds"], custody=raw.get("custody", {})
    )


def parse_score(raw: dict[str, Any]) -> Score:
    return Score(**{name: _tuples(value) for name, value in raw.items()})


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
