"""The end of a run: the winner meets the test images, once, and summary.json says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import AutoModelError, NothingTrainedError
from orchestrator.jobs import WEIGHTS
from orchestrator.journal import attempt_folder
from orchestrator.outcome import Crashed, Trained
from orchestrator.run_folder import FINISHED, write_json
from orchestrator.team import Iteration, best

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.execute import Executor
    from orchestrator.scoring import Score

ANEW = "The same command would end here again; --new begins another run: make run NEW=1."
"""The budget of a run that failed at its end is spent, so going on with it does nothing."""


@dataclass(frozen=True, kw_only=True)
class Final:
    """An iteration with its score on the test images."""

    iteration: Iteration
    validation: Score
    test: Score
    custody: Mapping[str, str]
    """What the score on the test images was made from."""


def score_finals(run: Path, history: Sequence[Iteration], executor: Executor, ended: str) -> tuple[Final, Final | None]:
    """The winner and the zero-shot draft (None where it crashed) on the test images; `ended`: why the loop did.

    Raises:
        NothingTrainedError: no pipeline trained.
    """
    winner = best(history)
    if winner is None:
        raise NothingTrainedError(
            f"No pipeline trained ({ended}): {run}/journal.jsonl and {run}/iterations say what failed. {ANEW}"
        )
    final = _score_final(run, winner, executor)
    draft = history[0]
    if draft is winner:
        return final, final
    return final, _score_final(run, draft, executor) if isinstance(draft.outcome, Trained) else None


def _score_final(run: Path, iteration: Iteration, executor: Executor) -> Final:
    weights = attempt_folder(run, iteration.number, iteration.attempts) / WEIGHTS
    place = run / "final" / f"{iteration.number:03}"
    outcome = executor.score_test(iteration.proposal.pipeline, weights, place)
    if isinstance(outcome, Crashed):
        raise AutoModelError(
            f"The best pipeline failed on the test images ({outcome.crash.error}): see {place}/predict.log. {ANEW}"
        )
    assert isinstance(iteration.outcome, Trained)
    validation = iteration.outcome.score
    return Final(iteration=iteration, validation=validation, test=outcome.score, custody=outcome.custody)


def write_summary(
    run: Path, *, ended: str, history: Sequence[Iteration], final: Final, draft: Final | None, **facts: Any
) -> None:
    """Write summary.json; with it the run is finished."""
    failed = sum(isinstance(iteration.outcome, Crashed) for iteration in history)
    summary = {
        "run": run.name,
        "ended": ended,
        "iterations": len(history) - 1,
        "failed": failed,
        "best_iteration": final.iteration.number,
        "validation": _short(final.validation),
        "test": _short(final.test)
        | {
            "macro_f1": final.test.macro_f1,
            "log_loss": final.test.log_loss,
            "calibration_error": final.test.calibration_error,
            "per_class": final.test.per_class,
            "confusion": final.test.confusion,
        },
        "zero_shot": draft and {"validation": _short(draft.validation), "test": _short(draft.test)},
        **facts,
    }
    write_json(run / FINISHED, summary)


def _short(score: Score) -> dict[str, Any]:
    return {"accuracy": score.accuracy, "interval": score.interval, "images": score.images}
