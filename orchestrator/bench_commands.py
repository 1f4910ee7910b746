"""`automodel bench ...`: its parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from orchestrator.bench.repair import Case, Study
    from orchestrator.settings import Settings
    from orchestrator.terminal import Terminal
    from sandbox.base import Sandbox

REPAIR = "bench-repair"
"""Its folder in RUNS_DIR, where none is given."""
MEMORY = 4.0
"""GiB of a job, where the settings say nothing: some faults take all that there is."""
CASE_SECONDS = 8.0
"""That a pipeline takes, in the mean, on two cores."""


def add_repair(parser: argparse.ArgumentParser) -> None:
    """Add what `automodel bench repair` takes beside the settings."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="for what is measured, and its tables")
    parser.add_argument("--class", dest="kind", default="", metavar="NAME", help="the faults of one class alone")
    parser.add_argument(
        "--with-model", action="store_true", help="have what crashes mended by the team that the settings ask for"
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what would be measured, and measure nothing")


def repair(given: argparse.Namespace, settings: Settings) -> int:
    """The crash study."""
    from orchestrator.bench.faults import of_class, read_faults
    from orchestrator.bench.repair import SECONDS, cases
    from orchestrator.bench.tables import write_tables
    from orchestrator.run_folder import hold
    from orchestrator.setup import open_sandbox
    from orchestrator.terminal import Terminal

    chosen = cases(of_class(read_faults(), given.kind))
    folder = (given.folder or settings.runs_dir / REPAIR).resolve()
    if given.dry_run:
        return _tell_plan(chosen)
    memory = settings.sandbox_memory or MEMORY
    settings = replace(settings, dataset="digits", run_fit_minutes=SECONDS / 60, sandbox_memory=memory)
    folder.mkdir(parents=True, exist_ok=True)
    hold(folder)
    with (
        Terminal() as terminal,
        closing(open_sandbox(settings, terminal.say)) as sandbox,
        _opened(settings, sandbox, terminal, folder, with_model=given.with_model) as study,
    ):
        measured = list(study.measure(chosen, terminal.phase))
    print(write_tables(folder, measured, study.conditions))
    print(f"All of it is in {folder}: repair.md, repair.csv, and what ran, in attempts/.")
    return int(len(measured) < len(chosen))


def _tell_plan(chosen: Sequence[Case]) -> int:
    from collections import Counter

    from orchestrator.bench.known import refused

    faults = [case for case in chosen if case.fault]
    for kind, count in sorted(Counter(case.fault.kind for case in faults if case.fault).items()):
        print(f"{count:>4}  {kind}")
    executed = sum(refused(case.pipeline) is None for case in chosen)
    print(
        f"{len(faults)} faults and {len(chosen) - len(faults)} good pipelines on digits; {executed} of them are worth "
        f"a container. About {executed * CASE_SECONDS / 60:.0f} minutes, without what a team would add."
    )
    return 0


@contextmanager
def _opened(
    settings: Settings, sandbox: Sandbox, terminal: Terminal, folder: Path, *, with_model: bool
) -> Iterator[Study]:
    """The study, with its parts; nothing of its jobs is left afterwards."""
    from orchestrator.bench.record import Records
    from orchestrator.bench.repair import Study
    from orchestrator.blinding import Blinding
    from orchestrator.checking_commands import jobs_outside
    from orchestrator.compute import find_compute
    from orchestrator.custody import sandbox_identity
    from orchestrator.execute import Executor
    from orchestrator.manifest import cpu_name
    from orchestrator.prepare import open_dataset
    from orchestrator.run import make_profile
    from orchestrator.setup import prove
    from orchestrator.teams import open_team

    dataset = open_dataset(settings, sandbox, terminal.event)
    profile = make_profile(settings, dataset, find_compute(settings, sandbox))
    prove(settings, sandbox, folder)
    team = open_team(settings, folder, view=terminal)[0] if with_model else None
    with (
        jobs_outside(settings, sandbox, terminal, folder) as jobs,
        closing(Executor(jobs, Blinding(dataset, folder), profile.task)) as executor,
    ):
        yield Study(
            folder=folder,
            records=Records(folder),
            executor=executor,
            profile=profile,
            team=team,
            repairs=settings.run_repairs,
            conditions=f"{sandbox.name} ({sandbox_identity(sandbox.describe())}), {cpu_name()}, "
            f"{settings.job_cores():g} cores, {profile.task.device}; team: {team.name if team else 'none'}",
        )
