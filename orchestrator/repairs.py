"""What mended what: pairs of an error and the change after it, to be shown when a similar error comes back."""

from __future__ import annotations

import re
from difflib import SequenceMatcher, unified_diff
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.report import shorten
from orchestrator.components import COMPONENTS
from orchestrator.outcome import Crashed
from orchestrator.team import Repair
from orchestrator.versions import fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.components import Pipeline
    from orchestrator.outcome import Outcome
    from orchestrator.team import Attempt, Iteration, Proposal

LONGEST_DIFF = 1500
"""Characters."""
SIMILAR = 0.6
"""From which ratio on two errors are of a kind, numbers and quoted names aside."""
SHOWN = 3
PARTICULARS = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


def list_repairs(attempts: Sequence[Attempt], proposal: Proposal, outcome: Outcome) -> tuple[Repair, ...]:
    """The repairs of an iteration: its crashed attempts, oldest first, and what was executed last."""
    ends = [*((attempt.proposal, attempt.crashed) for attempt in attempts), (proposal, outcome)]
    return tuple(
        _repair(before, crashed, after, then)
        for (before, crashed), (after, then) in pairwise(ends)
        if isinstance(crashed, Crashed)
    )


def similar_repairs(error: str, history: Sequence[Iteration]) -> list[Repair]:
    """Repairs of this run that worked on an error like this one, the latest first."""
    known = (repair for iteration in reversed(history) for repair in iteration.repairs if repair.worked)
    return [repair for repair in known if _alike(repair.error, error)][:SHOWN]


def _repair(before: Proposal, crashed: Crashed, after: Proposal, then: Outcome) -> Repair:
    changed = [name for name in COMPONENTS if before.pipeline[name] != after.pipeline[name]]
    gone = not isinstance(then, Crashed) or not _alike(then.crash.error, crashed.crash.error)
    return Repair(
        error=crashed.crash.error,
        component=changed[0] if len(changed) == 1 else None,
        fix=shorten("\n".join(_diff(before.pipeline, after.pipeline)), LONGEST_DIFF),
        worked=gone,
        failed="" if before.fault else fingerprints(before.pipeline),
    )


def _diff(before: Pipeline, after: Pipeline) -> list[str]:
    return [
        line.rstrip("\n")
        for name in COMPONENTS
        for line in unified_diff(
            before[name].splitlines(), after[name].splitlines(), f"{name}.py", f"{name}.py", n=1, lineterm=""
        )
    ]


def _alike(one: str, other: str) -> bool:
    first, second = (PARTICULARS.sub("_", text[:300]) for text in (one, other))
    return first == second or SequenceMatcher(None, first, second).ratio() >= SIMILAR
