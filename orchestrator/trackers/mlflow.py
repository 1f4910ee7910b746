"""MLflow: a run with a nested one for each iteration, wherever MLFLOW_TRACKING_URI says.

Address, token, password, experiment and all else that begins with MLFLOW_ is read by MLflow's own client, from the
environment. Runs are found again by a tag, so that one that is continued, or whose tracker failed in between, has none
twice; one that was left half told is deleted and told anew.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from orchestrator.components import COMPONENTS
from orchestrator.outcome import Trained
from orchestrator.trackers import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mlflow.entities import Metric, Run

    from orchestrator.team import Iteration

DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # MLflow's own: 120 s
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own: 7, in four minutes
    "MLFLOW_DISABLE_TELEMETRY": "true",  # what is run here is nobody's business
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is the view's
}
EXPERIMENT = "automodel"
"""Where MLFLOW_EXPERIMENT_NAME names none."""
MARK, PARENT, NOTE = "automodel.run", "mlflow.parentRunId", "mlflow.note.content"
"""Tags: what a run is found again by; what MLflow nests runs by; what it shows as their description."""
BATCH = 500
"""Metrics of one request; a server refuses more than 1,000."""
LOUD = ("mlflow", "alembic", "urllib3")
"""Loggers that would write between a view's lines; what matters comes as an exception."""


class MlflowTracker:
    """Implements `Tracker`."""

    def __init__(self, run: Path, seed: int) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        for name in LOUD:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._run, self._seed = run, seed
        self._mark = facts.identity(run)
        self._client = MlflowClient()
        self._experiment = self._find_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
        known = self._find(self._mark)
        self._parent = known.info.run_id if known else self._begin(self._mark, run.name, {})
        self._client.update_run(self._parent, status="RUNNING")

    def iteration(self, iteration: Iteration) -> None:
        mark = f"{self._mark}/{iteration.number}"
        if known := self._find(mark):
            if known.info.status != "RUNNING":
                return
            self._client.delete_run(known.info.run_id)
        tags = {PARENT: self._parent, NOTE: facts.why(iteration)}
        child = self._begin(mark, f"{iteration.number:03} {iteration.proposal.change}"[:100], tags)
        self._client.log_batch(child, params=list(_params(facts.parameters(iteration, self._seed))))
        began = time.time() - iteration.outcome.seconds
        self._measure(child, [*_metrics(facts.results(iteration)), *_curve(iteration, began)])
        for name in COMPONENTS:
            self._client.log_text(child, iteration.proposal.pipeline[name], f"components/{name}.py")
        for path in facts.files(self._run, iteration):
            self._client.log_artifact(child, str(path), "job")
        self._client.set_terminated(child, "FINISHED" if isinstance(iteration.outcome, Trained) else "FAILED")

    def end(self, summary: Mapping[str, Any]) -> None:
        told = {name: summary[name] for name in ("dataset", "ended", "sandbox", "provider", "protocol")}
        self._client.log_batch(self._parent, params=list(_params(told)))
        self._measure(self._parent, list(_metrics(facts.final_results(summary))))
        for name in ("summary.json", "report.html"):
            if (self._run / name).exists():
                self._client.log_artifact(self._parent, str(self._run / name))
        self._client.log_artifacts(self._parent, str(self._run / "best"), "best")
        self._client.set_terminated(self._parent)

    def _find_experiment(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id) if known else str(self._client.create_experiment(name))

    def _find(self, mark: str) -> Run | None:
        found = self._client.search_runs([self._experiment], f"tags.`{MARK}` = '{mark}'", max_results=1)
        return found[0] if found else None

    def _begin(self, mark: str, name: str, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(self._experiment, run_name=name, tags={MARK: mark, **tags})
        return str(run.info.run_id)

    def _measure(self, run: str, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(run, metrics=metrics[start : start + BATCH])


def _params(named: Mapping[str, Any]) -> Iterator[Any]:
    from mlflow.entities import Param

    return (Param(name, str(value)[: facts.VALUE]) for name, value in named.items())


def _metrics(named: Mapping[str, float]) -> Iterator[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return (Metric(name, value, now, 0) for name, value in named.items())


def _curve(iteration: Iteration, began: float) -> Iterator[Metric]:
    from mlflow.entities import Metric

    return (
        Metric(point.name, point.value, int((began + point.seconds) * 1000), point.epoch)
        for point in facts.curve(iteration)
    )
