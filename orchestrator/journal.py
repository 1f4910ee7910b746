"""Every event of a run, append-only, on disk: the truth. All else can be rebuilt from it and the attempts."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.components import COMPONENTS
from orchestrator.replay import (
    parse_history,
    parse_outcome,
    parse_score,
    read_events,
    refusing,
    require_format,
    seconds_spent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.outcome import Outcome
    from orchestrator.scoring import Score
    from orchestrator.team import Iteration


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
        require_format(self._path, events)
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
        with refusing(self._path):
            for event in reversed(self.events):
                if event["kind"] == "execution" and (place, checksum, seed) == (
                    event["place"],
                    event["checksum"],
                    event["seed"],
                ):
                    return parse_outcome(event["outcome"])
        return None

    def tested(self, place: str) -> tuple[Score, dict[str, str]] | None:
        """The score on the test images that was recorded with the logits in this folder, and its custody.

        Raises:
            DamagedJournalError: the event lacks what it needs.
        """
        with refusing(self._path):
            for event in self.events:
                if event["kind"] == "final" and event["place"] == place:
                    return parse_score(event["score"]), event["custody"]
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
        with refusing(self._path):
            return parse_history(self.events)

    def seconds_spent(self) -> float:
        """What earlier processes spent on this run: each one up to its last event.

        Raises:
            DamagedJournalError: an event has no time.
        """
        with refusing(self._path):
            return seconds_spent(self.events)

    def close(self) -> None:
        """Take no more events: an execution that an interrupt cut off has come to no end."""
        with self._lock:
            os.close(self._file)
            self._file = -1


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


def _write(file: int, content: bytes) -> None:
    """Write all of it, and to the disk; on a disk that is nearly full a part is written, and no error is told."""
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _torn(path: Path, events: list[dict[str, Any]]) -> int:
    """Events at the end that are iterations of a turn of which others are missing."""
    with refusing(path):
        if not events or not events[-1].get("left"):
            return 0
        turn = events[-1]["turn"]
        return sum(event["kind"] == "iteration" and event["turn"] == turn for event in events)


def _length(path: Path, lines: int) -> int:
    """Bytes of so many lines."""
    return sum(len(line) + 1 for line in path.read_bytes().split(b"\n")[:lines])
