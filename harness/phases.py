"""The phases of a job, one after the other, each in a child of its own."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import torch

from harness.blame import Fault, blame, is_out_of_memory
from harness.check import check
from harness.child import Ending, run_child
from harness.fit import fit
from harness.patience import Patience
from harness.predict import predict
from harness.randomness import repeatable

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.channel import Channel
    from harness.job import Job
    from harness.progress import Progress

HALVINGS = 4
"""A batch that does not fit at a sixteenth of its size is not the batch's fault."""
SETUP_SECONDS = 120
"""What `fit` may take before `train` begins: imports, the network, the costs of the transforms."""


class Phase(Protocol):
    """What runs in a child."""

    def __call__(self, job: Job, channel: Channel, *, halvings: int) -> None: ...


def run_fit(job: Job, progress: Progress) -> None:
    """Check the components, then train."""
    _run("check", check, job, progress, lambda began: began + job.settings.check_seconds)
    if progress.report.crash is None:
        _run("fit", fit, job, progress, lambda began: _fit_deadline(began, job, progress))


def run_predict(job: Job, progress: Progress) -> None:
    _run("predict", predict, job, progress, lambda began: began + job.settings.predict_seconds)


def run_serve(job: Job, progress: Progress) -> None:
    from harness.serve import serve  # and all that prepares images, which no other job needs

    _run("serve", serve, job, progress, lambda began: began + job.settings.predict_seconds)


def _run(name: str, phase: Phase, job: Job, progress: Progress, deadline: Callable[[float], float]) -> None:
    """Run a phase, again with half the batch size while it is out of memory; the clock of `train` goes on meanwhile."""
    while True:
        used = progress.report.seconds.get("train", 0.0)
        left = replace(job, task=replace(job.task, seconds=max(1.0, job.task.seconds - used)))
        ending = _run_once(name, phase, left, progress, deadline)
        again = progress.out_of_memory and progress.report.batch_halvings < HALVINGS
        if again:
            progress.halve()
        elif not progress.done and progress.report.crash is None:
            _judge(ending, job, progress)
        progress.write()
        if not again:
            return


def _run_once(name: str, phase: Phase, job: Job, progress: Progress, deadline: Callable[[float], float]) -> Ending:
    progress.begin(name, job.task.seconds)
    halvings = progress.report.batch_halvings
    began, patience = monotonic(), Patience(progress, job.settings.quick_seconds)
    ending = run_child(
        lambda channel: _told(phase, job, channel, halvings),
        progress.hear,
        deadline=lambda child: min(deadline(began), patience.deadline(child)),
    )
    progress.end(monotonic() - began)
    return ending


def _told(phase: Phase, job: Job, channel: Channel, halvings: int) -> None:
    """Run a phase and tell how it ended, whatever a component raises, `SystemExit` included."""
    torch.set_num_threads(job.settings.cpus)
    if job.task.device == "cpu":
        repeatable()
    try:
        phase(job, channel, halvings=halvings)
        channel.done()
    except BaseException as error:  # noqa: BLE001 - sys.exit() in a component is a crash like any other
        fault = blame(error, channel.current.owner, job.folders.input)
        channel.crash(fault, out_of_memory=is_out_of_memory(error))


def _fit_deadline(began: float, job: Job, progress: Progress) -> float:
    if progress.train_until is None:
        return began + SETUP_SECONDS
    return progress.train_until + job.settings.grace_seconds


def _judge(ending: Ending, job: Job, progress: Progress) -> None:
    """Say what the child could not: it was killed, or it left without a word."""
    owner, step = progress.step.owner, progress.step.text
    if not ending.late:
        progress.crash(Fault(culprit=owner, error=f"{ending}", traceback=""))
    elif progress.train_until is None:
        progress.crash(Fault(culprit=owner, error=f"it took too long and was killed: {step}", traceback=""))
    elif job.folders.trained.exists():
        progress.stopped("clock")
        progress.warn("train did not notice the end of its clock and was killed; the weights it had saved count")
    else:
        error = (
            f"train was killed {job.settings.grace_seconds:g} s after its clock of {job.task.seconds:g} s was over, "
            "and had saved no weights: look at run.seconds_left(), and call run.save(model) now and then"
        )
        progress.crash(Fault(culprit="train", error=error, traceback=""))
