"""Pretrained weights during a run: which are there, and those fetched that a pipeline asks for, if they may be."""

from __future__ import annotations

import re
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from orchestrator.asked_weights import asked_weights
from orchestrator.errors import AutoModelError
from orchestrator.weights import available_weights
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.contract import Task
    from harness.report import Crash
    from orchestrator.components import Pipeline
    from orchestrator.journal import Journal
    from orchestrator.team import Profile
    from orchestrator.timm_names import TimmNames
    from orchestrator.weights import Kept

MOST = 16
"""Names that one run tries to fetch: they may be gigabytes each."""
EVENT = "weights"
"""What the journal calls a try."""
ABSENT = re.compile(r"LocalEntryNotFound|OfflineMode|hugging ?face|cached snapshot|hub\b", re.IGNORECASE)
"""What a crash says whose cause are weights that are not there."""
LISTED = 30
"""Names in a sentence."""


class Source(Protocol):
    """Where weights come from that are not there."""

    def names(self) -> TimmNames:
        """What can be asked for.

        Raises:
            AutoModelError: nobody can say.
        """
        ...

    def fetch(self, name: str) -> Kept:
        """Have the weights of an exact name.

        Raises:
            AutoModelError: they cannot be had.
        """
        ...


class Supply:
    """The pretrained weights of one run."""

    def __init__(self, folder: Path, journal: Journal, source: Source | None, say: Callable[[str], None]) -> None:
        """`folder`: of the weights; `source`: None where nothing may be fetched; `say`: tell the user a line."""
        self._folder = folder
        self._journal = journal
        self._source = source
        self._say = say
        tries = [event for event in journal.events if event["kind"] == EVENT]
        self._failed = {str(event["name"]): str(event["error"]) for event in tries if event.get("error")}
        fetched = [str(event["name"]) for event in tries if not event.get("error")]
        here = available_weights(folder)
        # Those of before come first: which is `task.weights[0]` must not change within a run.
        self.weights = (*(name for name in here if name not in fetched), *(name for name in fetched if name in here))

    @property
    def fetches(self) -> bool:
        """Whether weights that are asked for are fetched; a source that failed a run is not relied on again."""
        return self._source is not None and not self._failed

    def task(self, task: Task) -> Task:
        """The task, with the weights that are there now."""
        return replace(task, weights=self.weights)

    def inform(self, profile: Profile) -> Profile:
        """What the team knows, with the weights that are there now."""
        return replace(profile, task=self.task(profile.task), fetches=self.fetches)

    def meet(self, pipeline: Pipeline) -> None:
        """Fetch what a pipeline asks for and that is not there, each name once a run; what fails stays not there."""
        if self._source is None:
            return
        for asked in asked_weights(pipeline):
            if asked in (*self.weights, *self._failed):
                continue
            try:
                name = self._source.names().exact(asked)
                if name and name not in self.weights:
                    self._fetch(self._source, name)
            except (AutoModelError, SandboxError, OSError) as error:
                self._fail(asked, error)

    def explain(self, crash: Crash, pipeline: Pipeline) -> Crash:
        """A crash for want of weights, in a sentence that says which are there."""
        missing = [name for name in asked_weights(pipeline) if name not in self.weights]
        if not missing or not ABSENT.search(crash.error):
            return crash
        there = ", ".join(self.weights[:LISTED]) or "none at all: train from scratch, with pretrained=False"
        why = "".join(f" {self._failed[name]}" for name in missing if name in self._failed)
        return replace(
            crash,
            error=f"The pretrained weights of {', '.join(missing)} are not there; those that are: {there}.{why}",
        )

    def _fetch(self, source: Source, name: str) -> None:
        if sum(event["kind"] == EVENT for event in self._journal.events) >= MOST:
            return
        began = monotonic()
        self._say(f"     fetching the pretrained weights of {name}, which a component asks for")
        kept = source.fetch(name)
        self._journal.record(EVENT, name=name, bytes=kept.bytes, seconds=round(monotonic() - began, 1))
        self.weights = (*self.weights, name)

    def _fail(self, name: str, error: Exception) -> None:
        self._failed[name] = str(error)
        self._journal.record(EVENT, name=name, error=str(error)[:500])
        self._say(f"     {error}")
