"""`automodel report` and `watch`: their parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from orchestrator.settings import Settings


def report(given: argparse.Namespace, settings: Settings) -> int:
    """Write the page of a run into its folder."""
    from orchestrator.page.render import write_report

    print(write_report(_run(given, settings), settings.datasets_dir.resolve()))
    return 0


def watch(given: argparse.Namespace, settings: Settings) -> int:
    """Serve the page of a run until Ctrl-C."""
    from orchestrator.loopback import serve_app
    from orchestrator.page.facts import read_facts
    from orchestrator.watch import Live, make_app, wait_for_run

    run = given.run.resolve() if given.run else wait_for_run(settings.runs_dir.resolve(), print)
    live = Live(run, settings.datasets_dir.resolve())
    read_facts(live.run, live.datasets)  # what is no run is told here, not in a browser
    serve_app(make_app(live), settings.watch_port, lambda address: print(_greeting(run, address), flush=True))
    return 0


def _greeting(run: Path, address: str) -> str:
    return f"Watching {run.name}: {address} (Ctrl-C ends this, and not the run)"


def _run(given: argparse.Namespace, settings: Settings) -> Path:
    """The run that was named, or the newest.

    Raises:
        AutoModelError: there is none.
    """
    from orchestrator.errors import AutoModelError
    from orchestrator.watch import newest_run

    runs = settings.runs_dir.resolve()
    run: Path | None = given.run.resolve() if given.run else newest_run(runs)
    if run is None:
        raise AutoModelError(f"There is no run in {runs}: name the folder of one, or set RUNS_DIR.")
    return run
