"""Is this better than the best so far?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.outcome import Trained

SLOWER = 1.1
"""Up to so much longer counts as noise of the clock."""


def is_better(candidate: Trained, best: Trained) -> bool:
    """Whether a change helped, on the validation split: more right, or as many, surer of them, and no slower.

    Without the last, each doubling of the epochs would be kept for the logits that it sharpens.
    """
    if candidate.score.accuracy != best.score.accuracy:
        return candidate.score.accuracy > best.score.accuracy
    return candidate.score.log_loss < best.score.log_loss and candidate.seconds <= SLOWER * best.seconds
