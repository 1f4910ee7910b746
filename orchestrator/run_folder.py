"""A run on disk: which folder it has, who holds it, the best pipeline so far."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from orchestrator.components import write_components
from orchestrator.errors import AutoModelError
from orchestrator.growing import growing_file, growing_folder
from orchestrator.job_files import TASK, WEIGHTS
from orchestrator.journal import trial_folder
from orchestrator.link import link_or_copy
from orchestrator.team import best

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.team import Iteration

UNFINISHED = "run.json"
FINISHED = "summary.json"


def open_run(runs: Path, dataset: str, facts: dict[str, Any], *, new: bool) -> Path:
    """The folder of this dataset's unfinished run with the same facts (dataset checksum ...), else a new one.

    `facts` go into run.json; those under "same" must agree for a run to be continued.
    """
    if not new and (folder := _unfinished(runs, dataset, facts["same"])):
        return folder
    with growing_folder(runs) as partial:  # no folder has the name of a run that does not say what it is of
        (partial / "run").mkdir()
        write_json(partial / "run" / UNFINISHED, facts)
        return _rename(partial / "run", runs / f"{dataset}-{time.strftime('%Y%m%d-%H%M%S')}")


def _rename(made: Path, folder: Path) -> Path:
    """Give it this name, or a longer one where there is one of that name."""
    while True:
        try:
            return made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        folder = folder.with_name(f"{folder.name}x")


def _unfinished(runs: Path, dataset: str, same: dict[str, Any]) -> Path | None:
    for path in sorted(runs.glob(f"{dataset}-*/{UNFINISHED}"), reverse=True):
        if not (path.parent / FINISHED).exists() and _read_same(path) == same:
            return path.parent
    return None


def read_manifest(run: Path) -> dict[str, Any]:
    """What run.json holds.

    Raises:
        AutoModelError: it is not there, or damaged.
    """
    return _read(run / UNFINISHED, "is no run")


def read_summary(run: Path) -> dict[str, Any]:
    """What summary.json holds.

    Raises:
        AutoModelError: it is not there, or damaged.
    """
    return _read(run / FINISHED, "is no finished run")


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        raise AutoModelError(f"{path.parent} {what}, or its {path.name} is damaged: name the folder of one.") from None


def _read_same(path: Path) -> Any:
    """What must agree for a run to be continued; None where its file is damaged, so that it never is."""
    facts = _read_json(path)
    return facts.get("same") if isinstance(facts, dict) else None


def hold(folder: Path) -> int:
    """Hold a run for this process, until it ends or closes the descriptor that it is given.

    Raises:
        AutoModelError: another process holds it; the sentence says which.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        raise AutoModelError(
            f"{folder} is being run by process {holder}: wait for it, or start another run with --new."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def keep_best(run: Path, iteration: Iteration, trial: int = 0) -> None:
    """Put an iteration's components, and the weights of one of its trainings, into best/ in place of what was there."""
    give_out(run, iteration.proposal.pipeline, trial_folder(run, iteration, trial), _facts(iteration, trial))


def give_out(run: Path, pipeline: Pipeline, source: Path, facts: dict[str, Any]) -> None:
    """Put components, and the weights and the task of a folder, into best/ in place of what was there."""
    fresh, old = run / ".best-new", run / ".best-old"
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir()
    write_components(pipeline, fresh / "components")
    for name in (WEIGHTS, TASK):
        link_or_copy(source / name, fresh / name)
    write_json(fresh / "iteration.json", facts)
    if (run / "best").exists():
        (run / "best").rename(old)
    fresh.rename(run / "best")
    shutil.rmtree(old, ignore_errors=True)


def drop_weights(run: Path, iteration: Iteration) -> None:
    """Free the disk that the weights of a discarded pipeline take; the draft's stay, for the comparison at the end."""
    if iteration.number and not iteration.kept:
        for path in (run / "iterations" / f"{iteration.number:03}").glob(f"*/{WEIGHTS}"):
            path.unlink()


def drop_lost(run: Path, history: Sequence[Iteration], winner: int) -> None:
    """Free the disk that weights take of those that lost the finals, or were spared for an average."""
    for iteration in history:
        if iteration.number != winner:
            drop_weights(run, iteration)
    for path in (run / "iterations").glob(f"*/seed-*/{WEIGHTS}"):
        if path.parent.parent.name != f"{winner:03}":
            path.unlink()


def write_json(path: Path, value: Any) -> None:
    """Write a file as a whole or not at all."""
    with growing_file(path) as file:
        file.write(json.dumps(value, indent=2) + "\n")


def restore(run: Path, history: list[Iteration], ended: set[str]) -> None:
    """Bring a run's folder to where its journal stands: what an interrupted step left behind goes.

    `ended`: the folders, within the run's, of executions that came to an end.
    """
    for folder in (run / "iterations").glob("*/*"):  # a file browser leaves files of its own there
        number = folder.parent.name
        begun = number.isdecimal() and int(number) >= len(history) and folder.is_dir()
        if begun and str(folder.relative_to(run)) not in ended:
            shutil.rmtree(folder)
    for name in {"average", "refit", "refit-images"} - ended:
        shutil.rmtree(run / name, ignore_errors=True)
    for folder in (run / "final").glob("*"):
        if str(folder.relative_to(run)) not in ended:
            shutil.rmtree(folder)
    if standing := best(history):
        _require_weights(run, standing)
        keep_best(run, standing)
    else:
        shutil.rmtree(run / "best", ignore_errors=True)


def _require_weights(run: Path, standing: Iteration) -> None:
    """Have the weights of the best so far in its own folder; where that was lost, best/ may have them still."""
    attempt = trial_folder(run, standing, 0)
    missing = [name for name in (WEIGHTS, TASK) if not (attempt / name).exists()]
    there = _read_json(run / "best" / "iteration.json") == _facts(standing, 0)
    if missing and not (there and all((run / "best" / name).exists() for name in missing)):
        raise AutoModelError(
            f"{attempt / missing[0]} of the best pipeline so far is missing: put it back, or begin another run with "
            "--new."
        )
    for name in missing:
        attempt.mkdir(parents=True, exist_ok=True)
        link_or_copy(run / "best" / name, attempt / name)


def _facts(iteration: Iteration, trial: int) -> dict[str, Any]:
    """What best/ says of itself."""
    return {"iteration": iteration.number, "attempt": iteration.attempts, "trial": trial}


def _read_json(path: Path) -> Any:
    """What a JSON file holds; None where it is not there, or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
