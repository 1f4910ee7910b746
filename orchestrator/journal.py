"""Every event of a run, append-only, on disk: the truth. All else can be rebuilt from it and the attempts."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import Crash, Report
from orchestrator.components import read_components
from orchestrator.errors import AutoModelError
from orchestrator.outcome import Crashed, Outcome, Trained
from orchestrator.scoring import Score
from orchestrator.team import Choice, Iteration, Proposal, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DamagedJournalError(AutoModelError):
    """Raised when a line of a journal is not what `record` wrote."""


class Journal:
    """journal.jsonl in a run's folder: one JSON object a line, on disk before `record` returns."""

    def __init__(self, folder: Path) -> None:
        """Continue the journal of a run, or begin it; a last line torn by a crash is cut off.

        Raises:
            DamagedJournalError: another line cannot be read.
        """
        self.folder = folder
        self.events = read_events(folder)
        self._path = folder / "journal.jsonl"
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.ftruncate(self._file, _whole_lines(self._path))

    def record(self, kind: str, **facts: Any) -> None:
        """Append an event, whole or not at all.

        Raises:
            OSError: it could not be written, e.g. on a full disk.
        """
        event = {"kind": kind, "time": round(time.time(), 3), **facts}
        before = os.fstat(self._file).st_size
        try:
            _write(self._file, json.dumps(event).encode() + b"\n")
        except OSError as error:
            os.ftruncate(self._file, before)  # or the next event would be glued to what was written of this one
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        self.events.append(event)

    def record_iteration(self, iteration: Iteration) -> None:
        proposal = iteration.proposal
        self.record(
            "iteration",
            number=iteration.number,
            attempts=iteration.attempts,
            kept=iteration.kept,
            component=proposal.component,
            change=proposal.change,
            reason=proposal.reason,
            choice=None if proposal.choice is None else asdict(proposal.choice),
            notes=proposal.notes,
            repairs=[asdict(repair) for repair in iteration.repairs],
            checksum=proposal.pipeline.checksum,
            outcome=asdict(iteration.outcome),
        )

    def history(self) -> list[Iteration]:
        """The iterations so far, by replay.

        Raises:
            DamagedJournalError: one lacks what it needs.
        """
        with _refusing(self._path):
            return [_iteration(self.folder, event) for event in self.events if event["kind"] == "iteration"]

    def seconds_spent(self) -> float:
        """What earlier processes spent on this run: each one up to its last event.

        Raises:
            DamagedJournalError: an event has no time.
        """
        begins = [event for event in self.events if event["kind"] == "begin"]
        with _refusing(self._path):
            return float(begins[-1]["spent"] + self.events[-1]["time"] - begins[-1]["time"]) if begins else 0.0

    def close(self) -> None:
        os.close(self._file)


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a run, oldest first; a torn last line is none.

    Raises:
        DamagedJournalError: another line is no event.
    """
    path = folder / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    with _refusing(path):
        return [_event(line) for line in lines]


def attempt_folder(run: Path, iteration: int, attempt: int) -> Path:
    return run / "iterations" / f"{iteration:03}" / f"attempt-{attempt}"


def _iteration(run: Path, event: dict[str, Any]) -> Iteration:
    attempt = attempt_folder(run, event["number"], event["attempts"])
    choice = event["choice"]
    return Iteration(
        number=event["number"],
        proposal=Proposal(
            pipeline=read_components(attempt / "components"),
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


def _whole_lines(path: Path) -> int:
    """Bytes up to the last newline."""
    return path.read_bytes().rfind(b"\n") + 1


def _outcome(raw: dict[str, Any]) -> Outcome:
    if "score" not in raw:
        return Crashed(crash=Crash(**raw["crash"]), log=raw["log"], seconds=raw["seconds"])
    score = {name: _tuples(value) for name, value in raw["score"].items()}
    report = Report.parse(json.dumps(raw["report"]).encode())
    return Trained(score=Score(**score), report=report, seconds=raw["seconds"], custody=raw.get("custody", {}))


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
