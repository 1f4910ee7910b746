"""What replaces the best so far, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.selection import is_better
from tests.fakes import trained

BEST = trained(0.75)


@pytest.mark.parametrize(
    ("accuracy", "log_loss", "seconds", "better"),
    [
        (0.76, 9.0, 100.0, True),
        (0.74, 0.1, 0.1, False),
        (0.75, 0.9, 1.0, True),
        (0.75, 0.9, 2.0, False),
        (0.75, 1.0, 0.5, False),
        (0.75, 1.1, 0.5, False),
    ],
)
def test_more_right_wins_and_a_tie_must_be_surer_and_no_slower(
    accuracy: float, log_loss: float, seconds: float, better: bool
) -> None:
    score = replace(BEST.score, accuracy=accuracy, log_loss=log_loss)

    assert is_better(replace(BEST, score=score, seconds=seconds), BEST) is better
