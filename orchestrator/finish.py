"""From the loop to the answer: the rest of a run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.components import read_components
from orchestrator.dataset_notes import dataset_notes, leaks
from orchestrator.endings import Endings
from orchestrator.job_files import WEIGHTS
from orchestrator.ledger import bill_facts
from orchestrator.mistakes import keep_mistakes, reliability_of_test
from orchestrator.page.render import try_report
from orchestrator.run_folder import drop_lost, read_manifest, read_summary
from orchestrator.scoring import majority_accuracy
from orchestrator.sheets import Sheets
from orchestrator.submission import submit
from orchestrator.summary import score_finals, write_summary
from orchestrator.terminal import finals_lines, result_lines

if TYPE_CHECKING:
    from orchestrator.endings import Ending
    from orchestrator.execute import Executor
    from orchestrator.finals import Finals
    from orchestrator.ledger import Ledger
    from orchestrator.loop import Loop
    from orchestrator.settings import Settings
    from orchestrator.view import View


def finish(  # noqa: PLR0913, PLR0917 - the real parts, of which each is met once
    settings: Settings, loop: Loop, finals: Finals, executor: Executor, ledger: Ledger, view: View
) -> None:
    """Go round, then everything that comes after: finals, test images, what else may be given out, the answer."""
    journal, dataset, weak = loop.journal, executor.dataset, read_manifest(loop.journal.folder)["weak"]
    ended = loop.run()
    winner = finals.run(loop.history)
    if winner and winner.contenders:
        lines = finals_lines(winner.contenders, winner.iteration.number)
        view.say(lines, "final", winner=winner.iteration.number, contenders=winner.contenders)
    view.phase("the winner meets the test images")
    done = score_finals(journal, loop.history, winner, executor, ended)
    assert winner is not None  # or there would be no score
    done = replace(done, ending=_ending(settings, loop, Endings(loop.executions, winner, executor, view.say), view))
    final = done.final
    if dataset.facts.unlabelled:
        view.phase("the winner predicts the images without labels")
    best = journal.folder / "best"
    submission = submit(journal.folder, read_components(best / "components"), best / WEIGHTS, executor)
    if submission and submission.custody:
        journal.record_once("submission", iteration=final.iteration.number, custody=submission.custody)
    view.phase("its worst mistakes are drawn")
    tested = journal.folder / done.place
    if problem := keep_mistakes(journal.folder, tested, Sheets(executor.jobs, dataset)):
        view.say(problem, "warning")
    majority = majority_accuracy(dataset.split("test").counts)
    journal.record_once("end", why=ended)
    write_summary(
        journal.folder,
        ended=ended,
        history=loop.history,
        finish=done,
        seed=executor.task.seed,
        reliability=reliability_of_test(tested, dataset),
        protocol=loop.rule.protocol,
        finals=winner.contenders,
        dataset=dataset.facts.name,
        classes=dataset.facts.classes,
        dataset_notes=dataset_notes(dataset.facts),
        majority=majority,
        seconds=round(loop.budget.spent(), 1),
        tokens=ledger.total().tokens,
        usd=ledger.total().usd,
        bill=bill_facts(ledger),
        sandbox=executor.jobs.sandbox.name,
        weak=weak,
        provider=loop.team.name,
        submission=submission and {"file": submission.file.name, "problem": submission.problem},
    )
    drop_lost(journal.folder, loop.history, final.iteration.number)
    executor.blinding.clear()
    folder = journal.folder
    answer = [f"\n{ended[0].upper()}{ended[1:]}.", result_lines(done, majority), *leaks(dataset.facts)]
    answer += [submission.sentence] if submission else []
    answer += [
        try_report(folder, dataset.folder.parent),
        f"The model, its code and how it came to be: {folder}",
        f"Predict: {_command()} predict {folder} IMAGE...",
    ]
    view.say("\n".join(answer), "answer", folder=str(folder), **_short(read_summary(folder)))


def _ending(settings: Settings, loop: Loop, endings: Endings, view: View) -> Ending | None:
    """An average if one is wanted and wins, else a refit if one is wanted and works."""
    ending = None
    if settings.run_average:
        view.phase("averages of what is alike meet the winner")
        ending = endings.average(loop.history, loop.rule)
    if settings.run_refit and ending is None:
        view.phase("the winner is trained once more, on all but the test images")
        ending = endings.refit()
    return ending


def _short(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without its tables, which are as long as there are classes, and longer."""
    test = {name: value for name, value in summary["test"].items() if name not in ("per_class", "confusion")}
    return {**summary, "test": test}


def _command() -> str:
    """How this program is called from here."""
    script = Path(sys.executable).with_name("automodel")
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)
