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


def test_what_a_run_may_still_take_is_what_its_turns_took_and_what_comes_after_them() -> None:
    clock = Clock()
    budget = Budget(iterations=9, hours=0, clock=clock)
    assert budget.outlook(0, 0.0, 0.0) is None

    clock.now += 50

    assert budget.outlook(2, 40.0, 30.0) == 20.0 * 10 + 30.0 - 50.0
    clock.now += 1000
    assert budget.outlook(2, 40.0, 30.0) == 0.0


def test_no_run_takes_longer_than_its_hours() -> None:
    clock = Clock()
    budget = Budget(iterations=1000, hours=1, clock=clock)
    clock.now += 600

    assert budget.outlook(1, 600.0, 0.0) == 3000.0


def test_hours_end_a_run_and_earlier_sessions_count() -> None:
    clock = Clock()
    budget = Budget(iterations=100, hours=1, spent_before=1800, clock=clock)

    assert budget.end(1) == ""
    clock.now += 1800
    assert budget.end(1) == "1 hours are spent"
    assert budget.spent() == 3600
