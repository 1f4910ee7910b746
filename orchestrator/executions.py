"""Executing each pipeline once in a run: what an earlier process saw to its end is taken from the journal."""

from __future__ import annotations

import queue
import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol

from orchestrator.execute import USUAL, Terms
from orchestrator.job_files import WEIGHTS
from orchestrator.outcome import Trained

if TYPE_CHECKING:
    from collections.abc import Sequence
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

    def __init__(self, executors: Sequence[Executes], journal: Journal, seed: int) -> None:
        """`executors`: one, or one for each of several GPUs; `seed`: the run's, from which others are counted."""
        self.journal = journal
        self.seed = seed
        self._executors = executors

    def start_ahead(self) -> None:
        """Have what the next execution needs started while a team thinks."""
        self._executors[0].start_ahead()

    def side_by_side(self, orders: Sequence[tuple[Pipeline, Path]], terms: Terms) -> None:
        """Execute several at once where there are several GPUs; `execute` then finds what came of each.

        Raises:
            SandboxError: the sandbox failed one of them; the others have come to their end.
        """
        if len(orders) < 2 or len(self._executors) < 2:
            return
        free: queue.SimpleQueue[Executes] = queue.SimpleQueue()
        for executor in self._executors:
            free.put(executor)

        def execute(pipeline: Pipeline, folder: Path) -> None:
            executor = free.get()
            try:
                self.execute_by(executor, pipeline, folder, terms)
            finally:
                free.put(executor)

        pool = ThreadPoolExecutor(len(self._executors))
        try:
            begun = [pool.submit(execute, *order) for order in orders]
            wait(begun)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an interrupt the sandbox ends what still runs
        for each in begun:
            each.result()

    def execute(self, pipeline: Pipeline, folder: Path, terms: Terms = USUAL) -> Outcome:
        """Execute a pipeline in a folder of the run; what an interrupted execution left there goes."""
        return self.execute_by(self._executors[0], pipeline, folder, terms)

    def execute_by(self, executor: Executes, pipeline: Pipeline, folder: Path, terms: Terms) -> Outcome:
        """The same, by another executor than those of the run."""
        seed = self.seed if terms.seed is None else terms.seed
        place = str(folder.relative_to(self.journal.folder))
        known = self.journal.executed(place, pipeline.checksum, seed)
        if known and (not isinstance(known, Trained) or (folder / WEIGHTS).exists()):
            return known
        if folder.exists():
            shutil.rmtree(folder)
        outcome = executor.execute(pipeline, folder, terms)
        self.journal.record_execution(place, pipeline.checksum, seed, outcome)
        return outcome
