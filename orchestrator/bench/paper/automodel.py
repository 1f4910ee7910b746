"""A cell that is an ordinary run of AutoModel: begun or continued in the cell's own folder, read from summary.json."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.bench.paper.measured import Accuracy, Measured
from orchestrator.errors import AutoModelError, NothingTrainedError
from orchestrator.ledger import read_entries
from orchestrator.replay import replay
from orchestrator.run import run
from orchestrator.run_folder import FINISHED, UNFINISHED, read_summary

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.settings import Settings
    from orchestrator.view import View
    from sandbox.base import Sandbox


def run_automodel(settings: Settings, sandbox: Sandbox, view: View, folder: Path) -> Measured:
    """Bring the run of a cell to its end, and read what it came to.

    Raises:
        AutoModelError: it cannot go on, and not for want of a pipeline that trains.
        SandboxError: the sandbox failed.
    """
    runs = folder / "runs"
    finished = _newest(runs, FINISHED)  # of an earlier process that was killed before it wrote cell.json
    try:
        return _read(finished or run(replace(settings, runs_dir=runs), sandbox, view, new=False))
    except NothingTrainedError:
        return _nothing(_newest(runs, UNFINISHED))


def find_submission(folder: Path) -> Path | None:
    """What the run of a cell predicted for the images without labels, if there are any."""
    return next((folder / "runs").glob("*/submission.csv"), None)


def _newest(runs: Path, name: str) -> Path | None:
    return max((path.parent for path in runs.glob(f"*/{name}")), default=None)


def _read(folder: Path) -> Measured:
    summary = read_summary(folder)
    try:
        draft = summary["zero_shot"]
        return Measured(
            test=Accuracy.read(summary["test"]),
            first=Accuracy.read(draft["test"]) if draft else None,
            validation=Accuracy.read(summary["validation"]),
            seconds=float(summary["seconds"]),
            tokens=int(summary["tokens"]),
            usd=None if summary["usd"] is None else float(summary["usd"]),
            notes=_notes(summary),
        )
    except (KeyError, TypeError, ValueError):
        raise AutoModelError(
            f"{folder}/{FINISHED} is damaged: remove {folder}, and the same command makes it again."
        ) from None


def _notes(summary: dict[str, Any]) -> str:
    return f"{summary['failed']} of {summary['iterations']} iterations failed" if summary["failed"] else ""


def _nothing(folder: Path | None) -> Measured:
    """A run whose budget was spent before any pipeline trained: that is a result, and the same command ends there."""
    entries = read_entries(folder) if folder else []
    prices = [entry.usd for entry in entries]
    return Measured(
        test=None,
        problem=f"No pipeline trained: {folder}/journal.jsonl says what failed.",
        seconds=replay(folder).seconds if folder else 0.0,
        tokens=sum(entry.usage.tokens_in + entry.usage.tokens_out for entry in entries),
        usd=None if None in prices else sum(usd for usd in prices if usd),
    )
