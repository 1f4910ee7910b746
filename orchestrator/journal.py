"""Every event of a run, append-only, on disk: the truth. All else can be rebuilt from it and the attempts."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.report import Crash, Report
from orchestrator.components import COMPONENTS, Pipeline
from orchestrator.errors import AutoModelError
from orchestrator.outcome import Crashed, Outcome, Trained
from orchestrator.scoring import Score
from orchestrator.team import Choice, Iteration, Proposal, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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


class Journal:
    """journal.jsonl in a run's folder: one JSON object a line, on disk before `record` returns."""

    def __init__(self, folder: Path) -> None:
        """Continue the journal of a run, or begin it; what a crash left half written at its end is cut off.

        Raises:
            DamagedJournalError: another line cannot be read, or all of it is of another version.
        """
        self.folder = folder
        self._path = folder / "journal.jsonl"
        events = read_events(folder)
        _require_format(self._path, events)
        self.events = events[: len(events) - _torn(self._path, events)]
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()
        os.ftruncate(self._file, _length(self._path, len(self.events)))

    def record(self, kind: str, **facts: Any) -> None:
        """Append an event, whole or not at all.

        Raises:
            OSError: it could not be written, e.g. on a full disk.
        """
        event = {"kind": kind, "time": round(time.time(), 3), **facts}
        with self._lock:
            before = os.fstat(self._file).st_size
            try:
                _write(self._file, json.dumps(event).encode() + b"\n")
            except OSError as error:
                os.ftruncate(self._file, before)  # or the next event would be glued to what was written of this one
                raise OSError(error.errno, error.strerror, str(self._path)) from error
            self.events.append(event)

    def record_once(self, kind: str, **facts: Any) -> None:
        """Append an event, unless an earlier process of this run has recorded the very same."""
        plain = json.loads(json.dumps(facts))
        if not any(event["kind"] == kind and _facts(event) == plain for event in self.events):
            self.record(kind, **facts)

    def record_turn(self, turn: Sequence[Iteration]) -> None:
        """Append the iterations of one turn; torn between two of them, it counts as not recorded."""
        for place, iteration in enumerate(turn, start=1):
            self._record_iteration(iteration, left=len(turn) - place)

    def record_execution(self, place: str, checksum: str, seed: int, outcome: Outcome) -> None:
        """Append what executing a pipeline came to. `place`: its folder within the run's."""
        self.record("execution", place=place, checksum=checksum, seed=seed, outcome=asdict(outcome))

    def executed(self, place: str, checksum: str, seed: int) -> Outcome | None:
        """What an earlier process of this run has seen this come to.

        Raises:
            DamagedJournalError: the event lacks what it needs.
        """
        with _refusing(self._path):
            for event in reversed(self.events):
                if event["kind"] == "execution" and (place, checksum, seed) == (
                    event["place"],
                    event["checksum"],
                    event["seed"],
                ):
                    return _outcome(event["outcome"])
        return None

    def tested(self, place: str) -> tuple[Score, dict[str, str]] | None:
        """The score on the test images that was recorded with the logits in this folder, and its custody.

        Raises:
            DamagedJournalError: the event lacks what it needs.
        """
        with _refusing(self._path):
            for event in self.events:
                if event["kind"] == "final" and event["place"] == place:
                    return _score(event["score"]), event["custody"]
        return None

    def places(self) -> set[str]:
        """Folders of what came to an end."""
        return {str(event.get("place")) for event in self.events if event["kind"] in ("execution", "final")}

    def _record_iteration(self, iteration: Iteration, left: int) -> None:
        proposal = iteration.proposal
        self.record(
            "iteration",
            number=iteration.number,
            turn=iteration.turn,
            left=left,
            attempts=iteration.attempts,
            kept=iteration.kept,
            component=proposal.component,
            change=proposal.change,
            reason=proposal.reason,
            choice=None if proposal.choice is None else asdict(proposal.choice),
            notes=proposal.notes,
            repairs=[asdict(repair) for repair in iteration.repairs],
            components={name: proposal.pipeline[name] for name in COMPONENTS},
            checksum=proposal.pipeline.checksum,
            outcome=asdict(iteration.outcome),
            again=[asdict(trained) for trained in iteration.again],
            verdict=iteration.verdict,
        )

    def history(self) -> list[Iteration]:
        """The iterations so far, by replay.

        Raises:
            DamagedJournalError: one lacks what it needs.
        """
        with _refusing(self._path):
            return _history(self.events)

    def seconds_spent(self) -> float:
        """What earlier processes spent on this run: each one up to its last event.

        Raises:
            DamagedJournalError: an event has no time.
        """
        with _refusing(self._path):
            return _spent(self.events)

    def close(self) -> None:
        """Take no more events: an execution that an interrupt cut off has come to no end."""
        with self._lock:
            os.close(self._file)
            self._file = -1


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a run, oldest first; a torn last line is none.

    Raises:
        DamagedJournalError: another line is no event.
    """
    path = folder / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    with _refusing(path):
        return [_event(line) for line in lines]


def replay(folder: Path) -> Replay:
    """What the journal of a run tells, also while the run goes on: nothing is locked or cut off.

    Raises:
        DamagedJournalError: as for `Journal`.
    """
    path, events = folder / "journal.jsonl", read_events(folder)
    _require_format(path, events)
    with _refusing(path):
        ended = {event["place"]: _outcome(event["outcome"]) for event in events if event["kind"] == "execution"}
        return Replay(events=events, history=_history(events), executions=ended, seconds=_spent(events))


def _spent(events: list[dict[str, Any]]) -> float:
    begins = [event for event in events if event["kind"] == "begin"]
    return float(begins[-1]["spent"] + events[-1]["time"] - begins[-1]["time"]) if begins else 0.0


def _facts(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says, without its kind and time."""
    return {name: value for name, value in event.items() if name not in ("kind", "time")}


def attempt_folder(run: Path, iteration: int, attempt: int) -> Path:
    return run / "iterations" / f"{iteration:03}" / f"attempt-{attempt}"


def trial_folder(run: Path, iteration: Iteration, trial: int) -> Path:
    """Where a pipeline was trained with the run's own seed (trial 0) or with another."""
    if trial == 0:
        return attempt_folder(run, iteration.number, iteration.attempts)
    return run / "iterations" / f"{iteration.number:03}" / f"seed-{trial}"


def _history(events: list[dict[str, Any]]) -> list[Iteration]:
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
        outcome=_outcome(event["outcome"]),
        attempts=event["attempts"],
        kept=event["kept"],
        repairs=tuple(Repair(**repair) for repair in event["repairs"]),
        turn=event["turn"],
        again=tuple(each for each in map(_outcome, event["again"]) if isinstance(each, Trained)),
        verdict=event["verdict"],
    )


def _event(line: bytes) -> dict[str, Any]:
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        raise TypeError(f"{line[:40]!r} is no event")
    return event


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Say in one sentence that what was read is not what was written."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedJournalError(
            f"{path} is damaged ({type(error).__name__}: {error}): begin another run with --new, or mend the line."
        ) from error


def _write(file: int, content: bytes) -> None:
    """Write all of it, and to the disk; on a disk that is nearly full a part is written, and no error is told."""
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _require_format(path: Path, events: list[dict[str, Any]]) -> None:
    """Refuse to continue what another version wrote: its decisions cannot be made again here."""
    written = next((event.get("format", 1) for event in events if event["kind"] == "begin"), FORMAT)
    if written != FORMAT:
        raise DamagedJournalError(
            f"{path} was begun by another version of AutoModel (format {written}, not {FORMAT}): "
            "begin another run with --new."
        )


def _torn(path: Path, events: list[dict[str, Any]]) -> int:
    """Events at the end that are iterations of a turn of which others are missing."""
    with _refusing(path):
        if not events or not events[-1].get("left"):
            return 0
        turn = events[-1]["turn"]
        return sum(event["kind"] == "iteration" and event["turn"] == turn for event in events)


def _length(path: Path, lines: int) -> int:
    """Bytes of so many lines."""
    return sum(len(line) + 1 for line in path.read_bytes().split(b"\n")[:lines])


def _outcome(raw: dict[str, Any]) -> Outcome:
    if "score" not in raw:
        return Crashed(crash=Crash(**raw["crash"]), log=raw["log"], seconds=raw["seconds"])
    report = Report.parse(json.dumps(raw["report"]).encode())
    return Trained(score=_score(raw["score"]), report=report, seconds=raw["seconds"], custody=raw.get("custody", {}))


def _score(raw: dict[str, Any]) -> Score:
    return Score(**{name: _tuples(value) for name, value in raw.items()})


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
