"""A whole script as a job of the sandbox: what it predicts is scored here, on test labels that no container sees.

A test image that it gives no class of counts as wrong. Of what it predicts only classes are known, so log loss and
calibration of the score say nothing, and accuracy alone goes on.
"""

from __future__ import annotations

import math
from shutil import rmtree
from typing import TYPE_CHECKING

from orchestrator.bench.paper.measured import Accuracy, Measured
from orchestrator.blinding import ARRAY, ENCODED
from orchestrator.errors import AutoModelError
from orchestrator.execute import read_report
from orchestrator.job_files import LOGITS
from orchestrator.material import one_line
from orchestrator.scoring import InvalidLogitsError, read_logits, score, write_logits
from sandbox.base import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contract import Task
    from harness.report import Report
    from orchestrator.ahead import Ahead
    from orchestrator.blinding import Blinding
    from orchestrator.jobs import Jobs
    from sandbox.base import Ended

PLACE = "/tmp/work"  # noqa: S108 - the job's own, in its own world
"""Where a script finds images and leaves predictions, in the sandbox."""
FILE_BYTES = 4096 + 512
"""What a small file takes beyond its pixels: the rest of its last page, the head of a PNG."""
GIB = 1 << 30
SHARE = 0.5
"""Of a job's memory that the images may take as files: /tmp counts as memory."""
FRAME = 'File "'
"""What stands above the line of a traceback that says what was raised, with more that is indented between them."""


def run_script(script: str, jobs: Jobs, blinding: Blinding, task: Task, attempt: Path) -> Measured:
    """Run a script for `task.seconds` and score it. `attempt`: its folder, made anew.

    Raises:
        AutoModelError: the images are too many for the sandbox's memory.
        SandboxError: the sandbox failed, and not the script.
    """
    rmtree(attempt, ignore_errors=True)
    attempt.mkdir(parents=True)
    job = _start(jobs, blinding, task)
    try:
        for folder in (job.folder / "input", attempt):
            (folder / "script.py").write_text(script, encoding="utf-8")
        order = {"classes": task.classes, "channels": task.channels, "seconds": task.seconds, "place": PLACE}
        ended = job.run_order("script.json", order, attempt)
    finally:
        job.discard()
    report = read_report(attempt / "script-report.json")
    try:
        return _score(blinding, task, attempt, ended.seconds)
    except InvalidLogitsError as error:
        return Measured(test=None, problem=explain(ended, report, str(error)), seconds=ended.seconds)


def _start(jobs: Jobs, blinding: Blinding, task: Task) -> Ahead:
    blind, train = blinding.split("test"), blinding.dataset.folder / "train"
    files = task.train_size + blind.rows
    size = FILE_BYTES * files + sum(_images(folder).stat().st_size for folder in (train, blind.folder))
    if size > SHARE * jobs.compute.memory:
        raise AutoModelError(
            f"The images of {blinding.dataset.facts.name} would lie in the memory of a script's job as files, and may "
            f"take {size / GIB:.1f} of its {jobs.compute.memory / GIB:.1f} GiB, where half is too much: set "
            f"SANDBOX_MEMORY={math.ceil(size / SHARE / GIB)} on a machine that has it."
        )
    laid = (size, files + task.num_classes)
    return jobs.start_script(train, blind.folder, blind.rows * task.num_classes, task.seconds, laid)


def _images(split: Path) -> Path:
    return split / (ARRAY if (split / ARRAY).exists() else ENCODED)


def _score(blinding: Blinding, task: Task, attempt: Path, seconds: float) -> Measured:
    """Score what was predicted; what is kept of it is in the order of the split.

    Raises:
        InvalidLogitsError: these are no predictions, or those of a cheat.
    """
    blind, labels = blinding.split("test"), blinding.dataset.hidden_labels("test")
    presented = read_logits(attempt / LOGITS, blind.rows, task.num_classes)
    if suspicion := blind.suspicion(presented):
        raise InvalidLogitsError(suspicion)
    logits = blind.unblind(presented)
    missing = ~logits.any(axis=1)
    logits[missing, (labels[missing] + 1) % task.num_classes] = 1.0  # wrong, whatever is right
    write_logits(attempt / LOGITS, logits)
    count = int(missing.sum())
    notes = f"{count} of {len(labels)} test images have no prediction, and count as wrong" if count else ""
    return Measured(test=Accuracy.of(score(logits, labels)), notes=notes, seconds=seconds)


def explain(ended: Ended, report: Report, why: str) -> str:
    """One sentence why there is no score; `why`: what is wrong with the logits, where there are some."""
    if ended.verdict is not Verdict.FINISHED:
        return f"The script was ended from outside: {ended.verdict}."
    if ended.status == 0:
        return why
    told = report.crash.error if report.crash else f"The job left with exit status {ended.status}."
    raised = last_error(ended.log)
    return f"{told.rstrip('.')}: {raised}" if raised else told


def last_error(log: str) -> str:
    """The line of the last traceback that says what was raised; empty where there is none."""
    error, within = "", False
    for line in log.splitlines():
        if line.lstrip().startswith(FRAME):
            within = True
        elif within and line[:1].strip():
            error, within = line, False
    return one_line(error, 300)
