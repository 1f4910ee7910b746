"""A fit job of the real harness, in a process of its own and without a sandbox, for components that measure."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report import Report
from orchestrator.components import write_components
from tests.bench import programs

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contract import Task
    from orchestrator.components import Pipeline

SECONDS = 1800.0
"""The clock of `train`; measurements end before it."""


def fit(folder: Path, train: Path, task: Task, pipeline: Pipeline) -> Report:
    """Fit a pipeline to the images of the folder `train`; `folder`: the job's, to be made.

    Raises:
        CalledProcessError: a component crashed.
    """
    for part in ("input", "out"):
        (folder / part).mkdir(parents=True)
    (folder / "train").symlink_to(train)
    write_components(pipeline, folder / "input" / "components")
    (folder / "input" / "task.json").write_text(json.dumps(asdict(task)))
    (folder / "input" / "go").touch()
    cores = str(len(os.sched_getaffinity(0)))
    as_in_a_sandbox = {"OMP_NUM_THREADS": cores, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
    programs.run([sys.executable, "-P", "-m", "harness", "fit", "--root", folder], as_in_a_sandbox)
    return Report.parse((folder / "out" / "report.json").read_bytes())


def rates(report: Report, name: str) -> tuple[float, ...]:
    """What a component logged under a name, point by point."""
    return tuple(point[name] for point in report.curve)
