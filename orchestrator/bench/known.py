"""How a fault became known: where, to whom it was laid, after how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.catalogue import candidates
from orchestrator.components import COMPONENTS
from orchestrator.diagnosis import diagnose
from orchestrator.outcome import Crashed
from orchestrator.static_check import InvalidComponentError, check_component
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from harness.contract import Task
    from harness.report import Event
    from orchestrator.components import ComponentName, Pipeline
    from orchestrator.outcome import Outcome, Trained

Where: TypeAlias = Literal["static", "check", "fit", "predict", "verdict", "missed"]
"""Before a container; in a phase of a job; by what the host makes of a training that came to its end; not at all."""
OWNER = re.compile(r"(data|model|train)\.py: ")
"""A warning says first whose file it is about."""
ASKED = "tiny-grey"
"""The recipe whose moves tell which component the rule-based analyst would change."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was said of a pipeline."""

    where: Where
    blamed: str | None
    seconds: float
    """Of containers, from the moment that they began."""
    said: str


@dataclass(frozen=True)
class Warned:
    """A warning while a job went on."""

    phase: str
    seconds: float
    """Since its job's first word."""
    text: str


class Ear:
    """Hears what the jobs of one pipeline say while they run; called from the threads that drain them."""

    def __init__(self) -> None:
        self.warnings: list[Warned] = []
        self._phase, self._began = "", 0.0

    def __call__(self, event: Event) -> None:
        self._began = self._began or monotonic()
        if event.kind == "phase":
            self._phase = event.text.partition(":")[0]
        elif event.kind == "warning":
            self.warnings.append(Warned(self._phase, monotonic() - self._began, event.text))


def refused(pipeline: Pipeline) -> Known | None:
    """What is known before any container is asked, if it is."""
    for name in COMPONENTS:
        try:
            check_component(name, pipeline[name])
        except InvalidComponentError as error:
            return Known(where="static", blamed=name, seconds=0.0, said=str(error))
    return None


def known(outcome: Outcome, ear: Ear, task: Task) -> Known:
    """What is known after it was executed."""
    if isinstance(outcome, Crashed):
        crash = outcome.crash
        return Known(where=_phase(crash.phase), blamed=crash.culprit, seconds=outcome.seconds, said=crash.error)
    for warning in ear.warnings:
        if owner := OWNER.match(warning.text):
            return Known(
                where=_phase(warning.phase), blamed=owner[1], seconds=warning.seconds, said=f"warning: {warning.text}"
            )
    return _verdict(outcome, task)


def _verdict(trained: Trained, task: Task) -> Known:
    diagnosis = diagnose(trained, task, None)
    if diagnosis.finding != "dead":
        return Known(where="missed", blamed=None, seconds=trained.seconds, said=diagnosis.sentence)
    return Known(where="verdict", blamed=_changed_next(), seconds=trained.seconds, said=diagnosis.sentence)


def _changed_next() -> ComponentName | None:
    """What the rule-based analyst changes where nothing is learnt: the check has cleared data and model."""
    return next(candidates(read_recipe(ASKED), {}, "dead")).component


def _phase(name: str) -> Where:
    return "check" if name == "check" else "predict" if name == "predict" else "fit"
