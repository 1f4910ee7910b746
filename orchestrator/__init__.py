"""Decides: talks to models, keeps the journal, goes round, scores. Runs on the host and never imports torch.

From Python: `from orchestrator import build_classifier`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.classifier import build_classifier

__all__ = ["build_classifier"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: the command line is not to wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestrator import classifier

    return getattr(classifier, name)
