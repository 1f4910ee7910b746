"""The end of a run: the winner meets the test images, once, and summary.json says what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import AutoModelError, NothingTrainedError
from orchestrator.execute import Terms
from orchestrator.job_files import WEIGHTS
from orchestrator.journal import trial_folder
from orchestrator.outcome import Crashed
from orchestrator.run_folder import FINISHED, write_json
from orchestrator.selection import luck, mean_interval
from orchestrator.team import Iteration, turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.endings import Ending
    from orchestrator.execute import Executor
    from orchestrator.finals import Winner
    from orchestrator.journal import Journal
    from orchestrator.scoring import Bin, Score

ANEW = "The same command would end here again; --new begins another run: make run NEW=1."
"""The budget of a run that failed at its end is spent, so going on with it does nothing."""


@dataclass(frozen=True, kw_only=True)
class Final:
    """An iteration, trained with one seed, with its score on the test images."""

    iteration: Iteration
    trial: int = 0
    validation: Score
    test: Score
    custody: Mapping[str, str]
    """What the score on the test images was made from."""


@dataclass(frozen=True, kw_only=True)
class Finish:
    """All that met the test images, once each."""

    final: Final
    """The winner as it was trained, with the seed that was best on validation."""
    draft: Final | None
    """The zero-shot draft; None where it crashed."""
    seeds: tuple[Final, ...]
    """The winner with each of its seeds, `final` among them, in order."""
    ending: Ending | None = None
    """What is given out in place of `final`."""

    @property
    def test(self) -> Score:
        """Of what is given out."""
        return self.ending.test if self.ending else self.final.test

    @property
    def place(self) -> str:
        """The folder of its logits on the test images, within the run's."""
        return f"final/{self.ending.kind}" if self.ending else _place(self.final.iteration, self.final.trial)


def score_finals(
    journal: Journal, history: Sequence[Iteration], winner: Winner | None, executor: Executor, ended: str
) -> Finish:
    """Score the winner, with each of its seeds, and the draft on the test images; `ended`: why the loop did.

    Raises:
        NothingTrainedError: no pipeline trained.
    """
    if winner is None:
        run = journal.folder
        raise NothingTrainedError(
            f"No pipeline trained ({ended}): {run}/journal.jsonl and {run}/iterations say what failed. {ANEW}"
        )
    won, draft = winner.iteration, history[0]
    trials = [_score_final(journal, won, trial, executor) for trial in range(len(won.trials))]
    final = trials[winner.trial]
    if isinstance(final, str):
        raise AutoModelError(f"The best pipeline failed on the test images ({final}). {ANEW}")
    first = trials[0] if draft.number == won.number else _score_final(journal, draft, 0, executor)
    return Finish(
        final=final,
        draft=first if isinstance(first, Final) else None,
        seeds=tuple(each for each in trials if isinstance(each, Final)),
    )


def _score_final(journal: Journal, iteration: Iteration, trial: int, executor: Executor) -> Final | str:
    """A training's score on the test images, taken once; or why there is none."""
    run, weights = journal.folder, trial_folder(journal.folder, iteration, trial) / WEIGHTS
    if not weights.exists():
        return "its weights are no longer there"
    name = _place(iteration, trial)
    place = run / name
    known = journal.tested(name)
    if known is None:
        terms = Terms(seed=executor.task.seed + trial)
        outcome = executor.score_test(iteration.proposal.pipeline, weights, place, terms)
        if isinstance(outcome, Crashed):
            return f"{outcome.crash.error.rstrip('.')}; see {place}/predict.log"
        known = outcome.score, dict(outcome.custody)
        facts = {"iteration": iteration.number, "trial": trial, "place": name}
        journal.record("final", **facts, score=asdict(known[0]), custody=known[1])
    validation = iteration.trials[trial].score
    return Final(iteration=iteration, trial=trial, validation=validation, test=known[0], custody=known[1])


def _place(iteration: Iteration, trial: int) -> str:
    return f"final/{iteration.number:03}-{trial}"


def write_summary(  # noqa: PLR0913 - the real parts, of which each is met once
    run: Path,
    *,
    ended: str,
    history: Sequence[Iteration],
    finish: Finish,
    seed: int,
    reliability: Sequence[Bin],
    **facts: Any,
) -> None:
    """Write summary.json; with it the run is finished. `seed`: the run's own; `reliability`: on the test images."""
    final, draft = finish.final, finish.draft
    failed = sum(isinstance(iteration.outcome, Crashed) for iteration in history)
    summary = {
        "run": run.name,
        "ended": ended,
        "iterations": turns(history) - 1,
        "failed": failed,
        "best_iteration": final.iteration.number,
        "validation": _short(final.validation),
        "test": _short(finish.test)
        | {
            "macro_f1": finish.test.macro_f1,
            "log_loss": finish.test.log_loss,
            "calibration_error": finish.test.calibration_error,
            "per_class": finish.test.per_class,
            "confusion": finish.test.confusion,
            "reliability": [asdict(each) for each in reliability],
        },
        "ending": finish.ending and _ending(finish.ending, final),
        "seeds": _seeds(finish, seed),
        "zero_shot": draft and _zero_shot(draft, finish),
        **facts,
    }
    write_json(run / FINISHED, summary)


def _ending(ending: Ending, final: Final) -> dict[str, Any]:
    """What was given out in place of the winner, whose own numbers stand beside it."""
    validation = ending.validation and _short(ending.validation)
    return {"kind": ending.kind, "sentence": ending.sentence, "validation": validation, "winner": _short(final.test)}


def _zero_shot(draft: Final, finish: Finish) -> dict[str, Any]:
    """The draft, and how often luck alone would set what was given out apart from it, on the test images."""
    apart = None if finish.test is draft.test else luck((finish.test,), (draft.test,))
    return {"validation": _short(draft.validation), "test": _short(draft.test), "luck": apart}


def _short(score: Score) -> dict[str, Any]:
    return {"accuracy": score.accuracy, "interval": score.interval, "images": score.images}


def _seeds(finish: Finish, seed: int) -> dict[str, Any]:
    """The winner, trained with several seeds: each, and the means, whose intervals say what another seed may bring."""
    validation = [each.score for each in finish.final.iteration.trials]
    test = [each.test for each in finish.seeds]
    return {
        "given_out": seed + finish.final.trial,
        "validation": {"seeds": [seed + trial for trial in range(len(validation))], **_mean(validation)},
        "test": {"seeds": [seed + each.trial for each in finish.seeds], **_mean(test)},
    }


def _mean(scores: Sequence[Score]) -> dict[str, Any]:
    mean, interval = mean_interval(scores)
    return {"accuracies": [score.accuracy for score in scores], "mean": mean, "interval": interval}
