"""A whole run: dataset, team, loop, finals; continued where an earlier process stopped."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.backbones import require_architecture
from orchestrator.blinding import Blinding
from orchestrator.budget import Budget
from orchestrator.compute import find_compute, shared
from orchestrator.dataset_profile import findings
from orchestrator.execute import Executor
from orchestrator.executions import Executions
from orchestrator.fetch_weights import Hub
from orchestrator.finals import Finals
from orchestrator.finish import finish
from orchestrator.jobs import Jobs
from orchestrator.journal import Journal
from orchestrator.log import open_log
from orchestrator.loop import Loop
from orchestrator.manifest import describe_run
from orchestrator.named_datasets import NAMED
from orchestrator.prepare import open_dataset
from orchestrator.progress import Progress
from orchestrator.replay import FORMAT
from orchestrator.run_folder import hold, open_run
from orchestrator.selection import Rule
from orchestrator.setup import prove
from orchestrator.sheets import Sheets
from orchestrator.supply import Supply
from orchestrator.team import Profile
from orchestrator.teams import check_team, open_team
from orchestrator.terminal import bill_lines, dataset_lines
from orchestrator.trackers import open_tracker
from orchestrator.trackers.aside import tracking
from orchestrator.view import Heard
from orchestrator.weights import available_weights, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.report import Event
    from orchestrator.compute import Compute
    from orchestrator.dataset import Dataset
    from orchestrator.ledger import Ledger
    from orchestrator.named_datasets import NamedDataset
    from orchestrator.settings import Settings
    from orchestrator.team import Team
    from orchestrator.view import View
    from sandbox.base import Sandbox

LEAST = 8
"""Trainings for which RUN_HOURS has to have room, however long RUN_FIT_MINUTES may be."""

MORE = 1.5
"""A refit takes so many times as long as a training: it has more to learn from."""


def run(
    settings: Settings,
    sandbox: Sandbox,
    view: View,
    *,
    new: bool,
    named: Mapping[str, NamedDataset] = NAMED,
) -> Path:
    """Train the best classifier for a dataset; return the run's folder. `named`: what can be had by name.

    Raises:
        AutoModelError: it cannot go on; what was done is kept, and the same command goes on from there.
    """
    team_name = check_team(settings)
    view.phase(f"preparing {settings.dataset}")
    dataset = open_dataset(settings, sandbox, view.event, named)
    compute = find_compute(settings, sandbox)
    profile = make_profile(settings, dataset, compute)
    weak = prove(settings, sandbox, settings.runs_dir.resolve())
    require_architecture(settings, sandbox)
    facts = describe_run(settings, dataset, sandbox=sandbox, team=team_name, weak=weak)
    folder = open_run(settings.runs_dir.resolve(), dataset.facts.name, facts, new=new)
    with (
        os.fdopen(hold(folder)),
        closing(Journal(folder)) as journal,
        (folder / "log.jsonl").open("a", buffering=1, encoding="utf-8") as log,
        closing(Progress(folder)) as progress,
    ):
        view = Heard(view, progress.phase)
        supply = Supply(settings.weights_dir, journal, _source(settings, sandbox, view), view.say)
        blinding = Blinding(dataset, folder)
        devices = sandbox.devices[: settings.run_candidates] if compute.gpu and settings.run_candidates > 1 else ()
        several = [
            Jobs(
                sandbox=sandbox,
                compute=shared(compute, max(1, len(devices))),
                weights=settings.weights_dir.resolve() if profile.task.weights or settings.weights_fetch else None,
                folder=folder / (f"jobs-{number}" if number else "jobs"),
                on_event=partial(_tell, view, progress, number),
                log=open_log(log),
                bait=blinding.decoys(),
                device=device,
            )
            for number, device in enumerate(devices or ("",))
        ]
        pictures = Sheets(several[0], dataset) if settings.llm_vision else None
        team, ledger = open_team(settings, folder, view=view, pictures=pictures)
        _tell_begin(view, settings, dataset, journal, team=team.name, sandbox=sandbox.name)
        if weak:
            view.say(f"not enforced here, and accepted by SANDBOX_ALLOW_WEAK: {', '.join(weak)}", "warning")
        with ExitStack() as stack, _last_words(journal, ledger, view, settings.dataset):
            task = supply.task(profile.task)
            executors = [
                stack.enter_context(closing(Executor(jobs, blinding, task, supply=supply))) for jobs in several
            ]
            executions = Executions(executors, journal, settings.run_seed)
            journal.record("begin", format=FORMAT, spent=journal.seconds_spent(), weak=weak)
            with _tracked(settings, journal, view) as tracked:
                loop, finals = _make_loop(settings, team, profile, executions, tracked, supply)
                finish(settings, loop, finals, executors[0], ledger, view)
    return folder


def _make_loop(  # noqa: PLR0913, PLR0917 - the real parts, wired in one place
    settings: Settings, team: Team, profile: Profile, executions: Executions, view: View, supply: Supply
) -> tuple[Loop, Finals]:
    rule = Rule(protocol=settings.run_protocol, level=settings.run_level)
    spent = executions.journal.seconds_spent()
    budget = Budget(iterations=settings.run_iterations, hours=settings.run_hours, spent_before=spent)
    finals = Finals(
        executions=executions,
        budget=budget,
        view=view,
        rule=rule,
        count=settings.run_finals,
        seeds=settings.run_final_seeds,
        after=MORE if settings.run_refit else 0.0,
    )
    loop = Loop(
        team=team,
        profile=profile,
        executions=executions,
        budget=budget,
        view=view,
        repairs=settings.run_repairs,
        rule=rule,
        candidates=settings.run_candidates,
        after=finals.trainings + finals.after,
        average=settings.run_average,
        supply=supply,
    )
    return loop, finals


def _tell(view: View, progress: Progress, job: int, event: Event) -> None:
    """Pass an event of a job on to who watches."""
    progress.event(event, job)
    view.event(event)


def _source(settings: Settings, sandbox: Sandbox, view: View) -> Hub | None:
    """Where weights are fetched from that are not there, if they may be."""
    if not settings.weights_fetch:
        return None
    open_folder(settings.weights_dir.resolve())
    return Hub(settings, sandbox, view.event)


def _tell_begin(  # noqa: PLR0913 - the real parts, of which each is met once
    view: View, settings: Settings, dataset: Dataset, journal: Journal, *, team: str, sandbox: str
) -> None:
    done = len(journal.history())
    going_on = f"\nGoing on with {journal.folder} after {done} iterations." if done else ""
    view.say(
        f"{dataset_lines(dataset)}\nTeam: {team}; sandbox: {sandbox}.{going_on}",
        "begin",
        run=journal.folder.name,
        folder=str(journal.folder),
        dataset=dataset.facts.name,
        images={name: split.images for name, split in dataset.facts.splits.items()},
        classes=dataset.facts.classes,
        team=team,
        sandbox=sandbox,
        iterations=settings.run_iterations,
        done=done,
    )


def _tracked(settings: Settings, journal: Journal, view: View) -> AbstractContextManager[View]:
    """The view, of which a tracker gets to know, too, if there is one."""
    if settings.tracker == "none":
        return nullcontext(view)
    opening = partial(open_tracker, settings.tracker, journal.folder, settings.run_seed)
    return tracking(settings.tracker, opening, journal, view)


@contextmanager
def _last_words(journal: Journal, ledger: Ledger, view: View, dataset: str) -> Iterator[None]:
    """Whatever happens, tell the bill; after an interrupt, how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{len(journal.history())} iterations are kept in {journal.folder}.\n"
            f"The same command goes on from there: make run DATASET={dataset}"
        ) from None
    finally:
        if ledger.entries:
            view.say(bill_lines(ledger))


def _clock(settings: Settings) -> float:
    """Seconds of one training: with RUN_HOURS short enough for the draft, some changes and the finals."""
    longest = settings.run_hours * 3600 / LEAST if settings.run_hours else math.inf
    return min(settings.run_fit_minutes * 60, longest)


def make_profile(settings: Settings, dataset: Dataset, compute: Compute) -> Profile:
    """What the team gets to know."""
    task = dataset.task(
        device=compute.device,
        seed=settings.run_seed,
        seconds=_clock(settings),
        weights=available_weights(settings.weights_dir),
        backbone=settings.run_backbone,
    )
    return Profile(
        dataset=dataset.facts.name,
        description=dataset.facts.description if settings.run_dataset_info else "",
        task=task,
        median_size=dataset.facts.sizes["median"],
        cores=int(compute.cpus),
        memory=compute.memory,
        findings=findings(dataset.facts),
    )
