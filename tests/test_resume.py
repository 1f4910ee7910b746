"""A run that was killed goes on as if it had not been: `python -m tests.killing_runs` tries 200 moments, this a few."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.killing_runs import play_whole, try_killing
from tests.nursery import nursery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.nursery import Nursery

TRIALS = 12


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as parent:
        yield parent


def test_killed_at_any_moment_a_run_ends_as_if_it_had_not_been(tmp_path: Path, children: Nursery) -> None:
    whole = play_whole(tmp_path / "whole", children)
    chance = random.Random(6)

    trials = [try_killing(tmp_path / f"{number}", children, chance, whole) for number in range(TRIALS)]

    assert [trial.problems for trial in trials] == [[]] * TRIALS
    assert sum(trial.kills for trial in trials) >= TRIALS
