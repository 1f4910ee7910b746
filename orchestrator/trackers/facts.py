"""What any tracker is told of an iteration: parameters, numbers, curves, files; all of it bounded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import printable
from orchestrator.journal import attempt_folder
from orchestrator.outcome import Trained
from orchestrator.selection import mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.team import Iteration

POINTS = 300
"""Of a learning curve; a longer one is thinned."""
VALUE = 500
"""Characters of a parameter; MLflow's server refuses more than 6,000."""
FILE_BYTES = 8 << 20
"""A larger log stays where it is."""
LATEST = 1e9
"""Epoch and second of a point; a component may say any number, and stores take none beyond 64 bits."""
PLACES = ("epoch", "seconds", "seconds_left")
"""Where a point of a curve is, and not what was measured there."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number of a learning curve."""

    name: str
    value: float
    epoch: int
    seconds: float
    """Since training began."""


def identity(run: Path) -> str:
    """The name of a run that no other has, on this machine or another: with it a tracker finds it again."""
    with (run / "journal.jsonl").open("rb") as file:
        return f"{run.name}-{hashlib.sha256(file.readline()).hexdigest()[:12]}"


def parameters(iteration: Iteration, seed: int) -> dict[str, str]:
    """What was tried."""
    proposal = iteration.proposal
    facts: dict[str, Any] = {
        "iteration": iteration.number,
        "turn": iteration.turn,
        "change": proposal.change,
        "component": proposal.component or "all",
        "seed": seed,
        "attempts": iteration.attempts,
    }
    if proposal.choice:
        facts["recipe"] = proposal.choice.recipe
        facts |= {_name(f"recipe.{name}"): value for name, value in proposal.choice.values.items()}
    return {name: printable(str(value))[:VALUE] for name, value in facts.items()}


def results(iteration: Iteration) -> dict[str, float]:
    """What came of it, measured by the host."""
    outcome = iteration.outcome
    facts = {"seconds": outcome.seconds, "kept": float(iteration.kept), "trained": float(isinstance(outcome, Trained))}
    if isinstance(outcome, Trained):
        score = outcome.score
        facts |= {"validation_accuracy": score.accuracy, "log_loss": score.log_loss, "macro_f1": score.macro_f1}
        facts |= {"validation_low": score.interval[0], "validation_high": score.interval[1]}
        facts |= {"calibration_error": score.calibration_error, "parameters": float(outcome.report.parameters)}
    if iteration.again:
        facts["validation_mean_of_seeds"], _ = mean_interval([trained.score for trained in iteration.trials])
    return facts


def why(iteration: Iteration) -> str:
    """The team's reason and the verdict, or what it crashed on."""
    outcome = iteration.outcome
    error = "" if isinstance(outcome, Trained) else f"Crashed: {outcome.crash.error}"
    return printable(" ".join(filter(None, (iteration.proposal.reason, iteration.verdict, error))))


def curve(iteration: Iteration) -> Iterator[Measured]:
    """Its learning curve, as its job told it."""
    points = iteration.outcome.report.curve if isinstance(iteration.outcome, Trained) else ()
    every = -(-len(points) // POINTS) or 1
    for point in reversed(points[::-every]):  # the last one is kept
        epoch, seconds = (min(max(point.get(place, 0.0), 0.0), LATEST) for place in ("epoch", "seconds"))
        for name, value in point.items():
            if name not in PLACES:
                yield Measured(name=f"curve/{_name(name)}", value=value, epoch=int(epoch), seconds=seconds)


def files(run: Path, iteration: Iteration) -> list[Path]:
    """Logs and reports of its last attempt: regular files alone, and none of a size to wait for."""
    folder = attempt_folder(run, iteration.number, iteration.attempts)
    found = (folder / f"{job}{ending}" for job in ("fit", "predict") for ending in (".log", "-report.json"))
    return [path for path in found if path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_BYTES]


def final_results(summary: Mapping[str, Any]) -> dict[str, float]:
    """What came of the run."""
    test, zero_shot = summary["test"], summary["zero_shot"]
    facts = {
        "test_accuracy": test["accuracy"],
        "test_low": test["interval"][0],
        "test_high": test["interval"][1],
        "zero_shot_test_accuracy": zero_shot and zero_shot["test"]["accuracy"],
        **{name: summary[name] for name in ("best_iteration", "iterations", "failed", "majority")},
        **{name: summary[name] for name in ("seconds", "tokens", "usd")},
    }
    return {name: float(value) for name, value in facts.items() if value is not None}


def _name(text: str) -> str:
    """A name that every store takes, and that is no path."""
    return re.sub(r"[^A-Za-z0-9_. -]", "_", text)[:100].lstrip(".") or "_"
