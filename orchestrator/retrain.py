"""A finished run's pipeline, trained again by the same harness."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.execute import Executor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.contract import Task
    from orchestrator.blinding import Blinding
    from orchestrator.jobs import Jobs


@contextmanager
def retrainer(
    task: Task, blinding: Blinding, jobs: Jobs, *, seed: int | None = None, train: Path | None = None
) -> Iterator[Executor]:
    """What executes a pipeline again, for its recorded task; on this machine's device.

    `seed`: in place of the recorded one; `train`: images and labels in place of the dataset's.
    """
    again = replace(task, seed=task.seed if seed is None else seed, device=jobs.compute.device)
    with closing(Executor(jobs, blinding, again, train=train, ahead=False)) as executor:
        yield executor
