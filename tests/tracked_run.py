"""A played run that a tracker is told of, in a process of its own, for MLflow reads its environment.

`python -m tests.tracked_run play HOME CHAT_URL TRACKER` plays one; `... tell RUN TRACKER` tells one that is over again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.journal import Journal
from orchestrator.json_lines import JsonLines
from orchestrator.run import run
from orchestrator.run_folder import read_summary
from orchestrator.trackers import open_tracker
from tests.played_runs import PlayedSandbox, lay_out


def play(home: str, url: str, tracker: str) -> None:
    """A whole run, told in JSON lines."""
    settings = lay_out(Path(home), openai_base_url=f"{url}/v1", tracker=tracker)
    run(settings, PlayedSandbox(Path(home) / "executions"), JsonLines(), new=False)


def tell(folder: str, tracker: str) -> None:
    """All that the journal of a run holds, as a process does that goes on with it."""
    told = open_tracker(tracker, Path(folder), 0)
    for iteration in Journal(Path(folder)).history():
        told.iteration(iteration)
    told.end(read_summary(Path(folder)))


if __name__ == "__main__":
    if sys.argv[1] == "play":
        play(*sys.argv[2:])
    else:
        tell(*sys.argv[2:])
