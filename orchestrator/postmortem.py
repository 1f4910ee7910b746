"""Why a job gave nothing: what the host saw comes first, what the job said of itself second."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report import Crash, shorten
from orchestrator.job_files import LOGITS, WEIGHTS
from sandbox.base import Verdict

if TYPE_CHECKING:
    from harness.report import Report
    from sandbox.base import Ended

SEEN = {
    Verdict.DEADLINE: "It did not end in time and was killed.",
    Verdict.LOG_OVERFLOW: "It printed too much and was killed: print nothing, use run.log.",
    Verdict.OUT_OF_MEMORY: "It ran out of memory and was killed: smaller batches, images or network.",
    Verdict.KILLED: "It was killed, most likely because it was out of memory.",
    Verdict.CANCELLED: "It was cancelled.",
}


def explain_fit(ended: Ended, report: Report) -> Crash | None:
    """Why training failed, or None where it left weights; weights saved before a deadline count."""
    if report.crash and ended.verdict in (Verdict.FINISHED, Verdict.DEADLINE):
        return report.crash
    if WEIGHTS in ended.files and ended.verdict in (Verdict.FINISHED, Verdict.DEADLINE):
        return None
    return _crash(ended, report.crash or Crash(phase="fit", step="fit", culprit="train", error="It left no weights."))


def explain_predict(ended: Ended, report: Report, why: str) -> Crash:
    """Why there are no logits that can be scored; `why`: what is wrong with them."""
    if report.crash and ended.verdict is Verdict.FINISHED:
        return report.crash
    missing = why if LOGITS in ended.files else "It left no logits."
    return _crash(ended, report.crash or Crash(phase="predict", step="predict", culprit="model", error=missing))


def _crash(ended: Ended, told: Crash) -> Crash:
    """What the host saw; where it happened, and whose step it was, only the job can tell."""
    error = SEEN.get(ended.verdict) or f"{told.error} Exit status {ended.status}."
    return replace(told, error=error, traceback=shorten(ended.log, 8000))
