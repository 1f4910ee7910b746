"""Whichever ends first ends the run."""

from __future__ import annotations

from orchestrator.budget import Budget


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_iterations_count_the_changes_after_the_draft() -> None:
    budget = Budget(iterations=2, hours=0)

    assert [budget.end(done) for done in range(3)] == ["", "", ""]
    assert budget.end(3) == "all 2 iterations are done"


def test_hours_end_a_run_and_earlier_sessions_count() -> None:
    clock = Clock()
    budget = Budget(iterations=100, hours=1, spent_before=1800, clock=clock)

    assert budget.end(1) == ""
    clock.now += 1800
    assert budget.end(1) == "1 hours are spent"
    assert budget.spent() == 3600
