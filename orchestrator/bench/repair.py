"""The crash study: faults are put into good pipelines; what becomes of each is measured in the real sandbox."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from harness.report import Crash
from orchestrator.bench.faults import BASES, RECIPES, good_pipeline
from orchestrator.bench.known import Ear, known, refused
from orchestrator.bench.record import Measured
from orchestrator.custody import harness_checksum
from orchestrator.outcome import Crashed, Trained
from orchestrator.team import Attempt, Proposal
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.bench.faults import Fault
    from orchestrator.bench.known import Known
    from orchestrator.bench.record import Records
    from orchestrator.components import Pipeline
    from orchestrator.execute import Executor
    from orchestrator.outcome import Outcome
    from orchestrator.team import Profile, Team

SECONDS = 20.0
"""The clock of `train`: the good pipelines need a third of it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pipeline to be measured: a good one, or one with a fault in it."""

    key: str
    base: str
    pipeline: Pipeline
    fault: Fault | None = None


def cases(faults: Sequence[Fault]) -> list[Case]:
    """Good pipelines first, then theirs with each fault.

    Raises:
        AutoModelError: a fault cannot be put where it belongs.
    """
    good = [Case(key=f"good {base}", base=base, pipeline=good_pipeline(base)) for base in BASES]
    bad = [Case(key=fault.key, base=fault.base, pipeline=fault.inject(), fault=fault) for fault in faults]
    return good + bad


@dataclass(kw_only=True)
class Study:
    """What measures cases, one after the other."""

    folder: Path
    records: Records
    executor: Executor
    profile: Profile
    team: Team | None
    """Who mends what crashed; None: nobody."""
    repairs: int
    conditions: str
    """In words: the sandbox, the machine, the team."""

    def measure(self, cases: Sequence[Case], say: Callable[[str], None]) -> Iterator[Measured]:
        """Measure what is not known yet; what the sandbox fails is left for the next time."""
        for case in cases:
            known_before = self.records.find(case.key, self.under(case))
            if known_before:
                yield known_before
                continue
            say(case.key)
            try:
                measured = self._measure(case)
            except SandboxError as error:
                say(f"{case.key}: the sandbox failed, so it is left out: {error}")
                continue
            self.records.add(measured)
            yield measured

    def under(self, case: Case) -> str:
        """A checksum of all that a result depends on; what the host says before a container is asked included."""
        static = refused(case.pipeline)
        parts = (case.pipeline.checksum, static.said if static else harness_checksum(), self.conditions)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _measure(self, case: Case) -> Measured:
        began = monotonic()
        attempts = self.folder / "attempts" / case.key
        shutil.rmtree(attempts, ignore_errors=True)
        attempts.mkdir(parents=True)
        found, outcome = self._try(case.pipeline, attempts / "attempt-1")
        wall = monotonic() - began
        repaired, tries = self._mend(case, outcome, attempts) if isinstance(outcome, Crashed) else (None, 0)
        return Measured(
            key=case.key,
            kind=case.fault.kind if case.fault else "good",
            culprit=case.fault.culprit if case.fault else "",
            under=self.under(case),
            where=found.where,
            blamed=found.blamed or "",
            seconds=round(found.seconds, 2),
            wall=round(wall, 2),
            accuracy=outcome.score.accuracy if isinstance(outcome, Trained) else None,
            said=found.said[:300],
            repaired=repaired,
            tries=tries,
        )

    def _try(self, pipeline: Pipeline, folder: Path) -> tuple[Known, Outcome]:
        """Execute a pipeline, if it is worth a container."""
        if found := refused(pipeline):
            crash = Crash(phase="reading", step="before anything ran", culprit=found.blamed, error=found.said)
            return found, Crashed(crash=crash, log="", seconds=0.0)
        ear = Ear()
        self.executor.start_ahead()
        self.executor.jobs.on_event = ear
        outcome = self.executor.execute(pipeline, folder)
        return known(outcome, ear, self.profile.task), outcome

    def _mend(self, case: Case, crashed: Crashed, folder: Path) -> tuple[int | None, int]:
        """The try at which the team mended it, and how many it had."""
        if self.team is None:
            return None, 0
        attempts: tuple[Attempt, ...] = ()
        proposal = Proposal(
            pipeline=case.pipeline, component=None, change=case.key, reason="", choice=RECIPES.get(case.base)
        )
        for number in range(1, self.repairs + 1):
            attempts = (*attempts, Attempt(proposal=proposal, crashed=crashed))
            mended = self.team.repair(self.profile, (), attempts, last=False)
            if mended is None:
                return None, number
            if mended.fault:
                outcome: Outcome = Crashed(crash=mended.fault, log="", seconds=0.0)
            else:
                found, outcome = self._try(mended.pipeline, folder / f"attempt-{number + 1}")
                if found.where == "missed":  # nothing is said against it any more
                    return number, number
            if not isinstance(outcome, Crashed):
                return None, number
            proposal, crashed = mended, outcome
        return None, self.repairs
