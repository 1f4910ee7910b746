"""Which versions of components are the same, and which pipelines a run has executed, those that were repaired included.

Two files that differ in comments and layout alone are one version; two ways to write the same thing are not.
"""

from __future__ import annotations

import ast
import hashlib
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from orchestrator.components import COMPONENTS
from orchestrator.outcome import Trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.components import ComponentName, Pipeline
    from orchestrator.team import Attempt, Iteration

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises."""
ERROR = 200
"""Characters of an error that are repeated."""


@lru_cache(maxsize=512)  # each file of a run is met again at every iteration, and parsing one takes milliseconds
def fingerprint(source: str) -> str:
    """The same for versions that differ in comments and layout alone."""
    with suppress(*UNREADABLE):
        source = ast.unparse(ast.parse(source))
    return hashlib.sha256(source.strip().encode(errors="backslashreplace")).hexdigest()[:16]


def fingerprints(pipeline: Pipeline) -> str:
    """Of the three files, in one text."""
    return " ".join(fingerprint(pipeline[name]) for name in COMPONENTS)


def executed(history: Sequence[Iteration]) -> dict[str, str]:
    """Fingerprints of every pipeline that this run has executed -> what came of it, as a sentence."""
    known: dict[str, str] = {}
    for turn in history:
        for repair in turn.repairs:
            known.setdefault(repair.failed, _crashed(turn, repair.error))
        known.setdefault(fingerprints(turn.proposal.pipeline), _ended(turn))
    known.pop("", None)  # of what was never executed
    return known


def known_versions(history: Sequence[Iteration], base: Pipeline, name: ComponentName) -> dict[str, str]:
    """Fingerprints of one file that was executed with the two others as in `base` -> what came of it."""
    place, around = COMPONENTS.index(name), fingerprints(base).split()
    known: dict[str, str] = {}
    for key, why in executed(history).items():
        prints = key.split()
        if prints[:place] + prints[place + 1 :] == around[:place] + around[place + 1 :]:
            known[prints[place]] = f"{why} Write something different."
    return known


def failed_versions(attempts: Sequence[Attempt], name: ComponentName) -> dict[str, str]:
    """Fingerprints of every version of a file that failed in this iteration -> why not again."""
    return {
        fingerprint(attempt.proposal.pipeline[name]): f"This is {name}.py as it is: nothing is changed."
        if attempt.proposal.fault
        else "This is a version that has failed already in this iteration, "
        f"with: {attempt.crashed.crash.error} Write something different."
        for attempt in attempts
    }


def _ended(turn: Iteration) -> str:
    if not isinstance(turn.outcome, Trained):
        return _crashed(turn, turn.outcome.crash.error)
    return f"Exactly this was executed in iteration {turn.number}: accuracy {turn.outcome.score.accuracy:.4f}."


def _crashed(turn: Iteration, error: str) -> str:
    return f"Exactly this was executed in iteration {turn.number}, and crashed with: {error[:ERROR]}."
