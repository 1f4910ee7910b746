"""A fit is given up only where nothing speaks for it; whatever might still come to something goes on."""

from __future__ import annotations

import pytest

from harness.rival import Behind, Race, best_until

RIVAL = ((10.0, 0.5), (20.0, 0.8), (60.0, 0.9), (100.0, 0.92))
CLOCK = 100.0


def run(
    *accuracies: float, every: float = 15.0, rival: tuple[tuple[float, float], ...] = RIVAL, images: int = 1000
) -> list[float]:
    """When a fit was found hopeless, validated at an even pace on ten classes."""
    race = Race(rival=rival, images=images, chance=0.1)
    times = [every * number for number in range(1, len(accuracies) + 1)]
    return [at for at, accuracy in zip(times, accuracies, strict=True) if race.behind(at, accuracy, CLOCK)]


FLAT = (0.1, 0.11, 0.1, 0.1, 0.1, 0.1)


def test_one_that_learns_nothing_is_found_when_most_of_its_time_is_over() -> None:
    assert run(*FLAT) == [75.0, 90.0]


def test_it_says_when_and_by_how_much() -> None:
    race = Race(rival=RIVAL, images=1000, chance=0.1)
    found = [race.behind(15.0 * number, 0.3 + 0.01 * (number == 4), CLOCK) for number in range(1, 6)]

    assert found == [None] * 4 + [Behind(75.0, 0.31, 0.9)]
    assert str(found[4]) == "stopped early: at 75 s its tuning accuracy was 0.310 where the best had 0.900"


SPARED = {
    "without a rival": run(*FLAT, rival=()),
    "before most of its own clock": run(*FLAT, every=9.0, rival=((1.0, 0.9), (2.0, 0.95))),
    "before most of the rival's time": run(*FLAT, rival=((10.0, 0.9), (170.0, 0.95))),
    "validated four times": run(*FLAT[:4], every=25.0),
    "one that is as good late as the rival was early": run(0.2, 0.3, 0.4, 0.45, 0.55, 0.6),
    "a late rise": run(0.1, 0.1, 0.1, 0.2, 0.48, 0.8, every=12.5),
    "a steady rise": run(0.1, 0.1, 0.2, 0.35, 0.5, 0.65),
    "few tuning images": run(*(0.3,) * 6, images=12),
    "a rival that is no better": run(*FLAT, rival=((10.0, 0.11), (100.0, 0.12))),
    "a rival that had not begun to learn by then": run(*FLAT, rival=((95.0, 0.9), (100.0, 0.9))),
    "a dip after a good beginning": run(0.6, 0.7, *FLAT[:4]),
}


@pytest.mark.parametrize("stopped", SPARED.values(), ids=SPARED)
def test_what_may_come_to_something_goes_on(stopped: list[float]) -> None:
    assert stopped == []


def test_before_its_first_point_a_curve_is_at_chance() -> None:
    assert [best_until(RIVAL, seconds, 0.1) for seconds in (5, 10, 59, 1000)] == [0.1, 0.5, 0.8, 0.92]
