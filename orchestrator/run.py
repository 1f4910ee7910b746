"""A whole run: dataset, team, loop, finals; continued where an earlier process stopped."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

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
from orchestrator.journal import FORMAT, Journal
from orchestrator.log import open_log
from orchestrator.loop import Loop
from orchestrator.manifest import describe_run
from orchestrator.named_datasets import NAMED
from orchestrator.prepare import open_dataset
from orchestrator.progress import Progress
from orchestrator.run_folder import hold, open_run
from orchestrator.selection import Rule
from orchestrator.setup import prove
from orchestrator.sheets import Sheets
from orchestrator.supply import Supply
from orchestrator.team import Profile
from orchestrator.teams import check_team, open_team
from orchestrator.terminal import bill_lines, dataset_lines
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
    from orchestrator.terminal import Terminal
    from sandbox.base import Sandbox

LEAST = 8
"""Trainings for which RUN_HOURS has to have room, however long RUN_FIT_MINUTES may be."""

MORE = 1.5
"""A refit takes so many times as long as a training: it has more to learn from."""


def run(
    settings: Settings,
    sandbox: Sandbox,
    terminal: Terminal,
    *,
    new: bool,
    named: Mapping[str, NamedDataset] = NAMED,
) -> Path:
    """Train the best classifier for a dataset; return the run's folder. `named`: what can be had by name.

    Raises:
        AutoModelError: it cannot go on; what was done is kept, and the same command goes on from there.
    """
    team_name = check_team(settings)
    terminal.phase(f"preparing {settings.dataset}")
    dataset = open_dataset(settings, sandbox, terminal.event, named)
    compute = find_compute(settings, sandbox)
    profile = make_profile(settings, dataset, compute)
    weak = prove(settings, sandbox, settings.runs_dir.resolve())
    facts = describe_run(settings, dataset, sandbox=sandbox, team=team_name, weak=weak)
    folder = open_run(settings.runs_dir.resolve(), dataset.facts.name, facts, new=new)
    with (
        os.fdopen(hold(folder)),
        closing(Journal(folder)) as journal,
        (folder / "log.jsonl").open("a", buffering=1, encoding="utf-8") as log,
        closing(Progress(folder)) as progress,
    ):
        terminal.on_phase = progress.phase
        supply = Supply(settings.weights_dir, journal, _source(settings, sandbox, terminal), terminal.say)
        blinding = Blinding(dataset, folder)
        devices = sandbox.devices[: settings.run_candidates] if compute.gpu and settings.run_candidates > 1 else ()
        several = [
            Jobs(
                sandbox=sandbox,
                compute=shared(compute, max(1, len(devices))),
                weights=settings.weights_dir.resolve() if profile.task.weights or settings.weights_fetch else None,
                folder=folder / (f"jobs-{number}" if number else "jobs"),
                on_event=partial(_tell, terminal, progress, number),
                log=open_log(log),
                bait=blinding.decoys(),
                device=device,
            )
            for number, device in enumerate(devices or ("",))
        ]
        pictures = Sheets(several[0], dataset) if settings.llm_vision else None
        team, ledger = open_team(settings, folder, say=terminal.say, pictures=pictures)
        terminal.say(f"{dataset_lines(dataset)}\nTeam: {team.name}; sandbox: {sandbox.name}.")
        if done := len(journal.history()):
            terminal.say(f"Going on with {folder} after {done} iterations.")
        if weak:
            terminal.say(f"Not enforced here, and accepted by SANDBOX_ALLOW_WEAK: {', '.join(weak)}.")
        with ExitStack() as stack, _last_words(journal, ledger, terminal, settings.dataset):
            task = supply.task(profile.task)
            executors = [
                stack.enter_context(closing(Executor(jobs, blinding, task, supply=supply))) for jobs in several
            ]
            executions = Executions(executors, journal, settings.run_seed)
            loop, finals = _make_loop(settings, team, profile, executions, terminal, supply)
            journal.record("begin", format=FORMAT, spent=loop.budget.spent(), weak=weak)
            finish(settings, loop, finals, executors[0], ledger, terminal)
    return folder


def _make_loop(  # noqa: PLR0913, PLR0917 - the real parts, wired in one place
    settings: Settings, team: Team, profile: Profile, executions: Executions, terminal: Terminal, supply: Supply
) -> tuple[Loop, Finals]:
    rule = Rule(protocol=settings.run_protocol, level=settings.run_level)
    spent = executions.journal.seconds_spent()
    budget = Budget(iterations=settings.run_iterations, hours=settings.run_hours, spent_before=spent)
    finals = Finals(
        executions=executions,
        budget=budget,
        view=terminal,
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
        view=terminal,
        repairs=settings.run_repairs,
        rule=rule,
        candidates=settings.run_candidates,
        after=finals.trainings + finals.after,
        average=settings.run_average,
        supply=supply,
    )
    return loop, finals


def _tell(terminal: Terminal, progress: Progress, job: int, event: Event) -> None:
    """Pass an event of a job on to who watches."""
    progress.event(event, job)
    terminal.event(event)


def _source(settings: Settings, sandbox: Sandbox, terminal: Terminal) -> Hub | None:
    """Where weights are fetched from that are not there, if they may be."""
    if not settings.weights_fetch:
        return None
    open_folder(settings.weights_dir.resolve())
    return Hub(settings, sandbox, terminal.event)


@contextmanager
def _last_words(journal: Journal, ledger: Ledger, terminal: Terminal, dataset: str) -> Iterator[None]:
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
            terminal.say(bill_lines(ledger))


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
    )
    return Profile(
        dataset=dataset.facts.name,
        description=dataset.facts.description,
        task=task,
        median_size=dataset.facts.sizes["median"],
        cores=int(compute.cpus),
        memory=compute.memory,
        findings=findings(dataset.facts),
    )
