"""Executing each pipeline once in a run: what an earlier process saw to its end is taken from the journal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Protocol

from orchestrator.execute import USUAL, Terms
from orchestrator.jobs import WEIGHTS
from orchestrator.outcome import Trained

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.journal import Journal
    from orchestrator.outcome import Outcome


class Executes(Protocol):
    """What a run needs of an executor."""

    def start_ahead(self) -> None: ...
    def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms) -> Outcome: ...


class Executions:
    """The executions of one run."""

    def __init__(self, executor: Executes, journal: Journal, seed: int) -> None:
        """`seed`: the run's own, for which another is counted from it."""
        self.executor = executor
        self.journal = journal
        self.seed = seed

    def execute(self, pipeline: Pipeline, folder: Path, terms: Terms = USUAL) -> Outcome:
        """Execute a pipeline in a folder of the run; what an interrupted execution left there goes."""
        seed = self.seed if terms.seed is None else terms.seed
        place = str(folder.relative_to(self.journal.folder))
        known = self.journal.executed(place, pipeline.checksum, seed)
        if known and (not isinstance(known, Trained) or (folder / WEIGHTS).exists()):
            return known
        if folder.exists():
            shutil.rmtree(folder)
        outcome = self.executor.execute(pipeline, folder, terms)
        self.journal.record_execution(place, pipeline.checksum, seed, outcome)
        return outcome
