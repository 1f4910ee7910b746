"""`automodel audit`, `reproduce` and `verify`: their parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from orchestrator.jobs import Jobs
    from orchestrator.settings import Settings
    from orchestrator.view import View
    from sandbox.base import Sandbox


def audit(given: argparse.Namespace, settings: Settings) -> int:
    """Train the winner of a run again, where it must fail and where it must not."""
    from orchestrator import audit as auditing
    from orchestrator.page.render import try_report
    from orchestrator.predict import load_model
    from orchestrator.run_folder import hold, read_manifest
    from orchestrator.setup import open_sandbox, prove
    from orchestrator.terminal import Terminal
    from orchestrator.verify import need_dataset

    run = given.run.resolve()
    model = load_model(run)
    dataset = need_dataset(settings.datasets_dir.resolve(), str(read_manifest(run)["same"]["dataset"]))
    hold(run)
    with (
        Terminal() as terminal,
        closing(open_sandbox(settings, terminal.say)) as sandbox,
        jobs_outside(settings, sandbox, terminal, run) as jobs,
    ):
        prove(settings, sandbox, run)
        findings = auditing.audit(run, dataset, model, jobs, terminal.phase)
        for finding in findings:
            terminal.say(f"{finding.verdict:8}{finding.check}: {finding.sentence}")
        terminal.say(f"Audit: {auditing.verdict(findings)}.\n{try_report(run, dataset.folder.parent)}")
    return int(auditing.verdict(findings) == "failed")


def reproduce(given: argparse.Namespace, settings: Settings) -> int:
    """Make the winner of a run again, and compare."""
    from dataclasses import replace

    from orchestrator import reproduce as reproducing
    from orchestrator.page.render import try_report
    from orchestrator.recorded import read_recorded, require_same
    from orchestrator.run_folder import hold
    from orchestrator.setup import open_sandbox, prove
    from orchestrator.terminal import Terminal
    from orchestrator.verify import need_dataset

    recorded = read_recorded(given.run.resolve())
    same = recorded.manifest["same"]
    dataset = need_dataset(settings.datasets_dir.resolve(), str(same["dataset"]))
    cores = min(float(recorded.cores), settings.job_cores())
    settings = replace(settings, sandbox_backend=same["sandbox"], sandbox_cpus=cores)
    hold(recorded.run)
    with (
        Terminal() as terminal,
        closing(open_sandbox(settings, terminal.say)) as sandbox,
        jobs_outside(settings, sandbox, terminal, recorded.run) as jobs,
    ):
        require_same(recorded, dataset, sandbox.describe(), settings.weights_dir)
        prove(settings, sandbox, recorded.run)
        result = reproducing.reproduce(recorded, dataset, jobs, terminal.phase)
        terminal.say(f"{result.sentence}\n{try_report(recorded.run, dataset.folder.parent)}")
    return int(not result.reproduced)


def verify(given: argparse.Namespace, settings: Settings) -> int:
    """Recompute every checksum and score of a run."""
    from orchestrator import verify as verifying
    from orchestrator.setup import identify

    scores, problems = verifying.verify(
        given.run.resolve(), settings.datasets_dir.resolve(), lambda name: identify(settings, name)
    )
    for problem in problems:
        print(problem)
    print(f"{scores} scores recomputed, {len(problems) or 'no'} problem{'s' * (len(problems) != 1)} found.")
    return int(bool(problems))


@contextmanager
def jobs_outside(settings: Settings, sandbox: Sandbox, view: View, folder: Path) -> Iterator[Jobs]:
    """Jobs outside of a run's loop."""
    from orchestrator.compute import find_compute
    from orchestrator.jobs import Jobs
    from orchestrator.log import open_log

    with Path(folder, "log.jsonl").open("a", encoding="utf-8") as log:
        yield Jobs(
            sandbox=sandbox,
            compute=find_compute(settings, sandbox),
            weights=settings.weights_dir.resolve() if settings.weights_dir.is_dir() else None,
            folder=folder / "jobs",
            on_event=view.event,
            log=open_log(log),
        )
