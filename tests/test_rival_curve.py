"""What the fits after the best are told of its tuning curve, whatever its component wrote into it."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.rival import POINTS, rival_curve
from tests.playbook_cases import trained


def point(seconds: float, accuracy: float) -> dict[str, float]:
    return {"seconds": seconds, "tuning_accuracy": accuracy}


def test_a_rival_is_the_best_until_each_moment_and_ends_with_its_training() -> None:
    told = (point(1, 0.5), {"seconds": 2.0, "loss": 1.0}, point(3, 0.4), point(4, 0.8), point(9, 0.7))

    assert rival_curve(trained(0.85, told, seconds=10.0)) == ((1, 0.5), (4, 0.8), (10.0, 0.8))


def test_without_a_tuning_accuracy_there_is_no_rival() -> None:
    assert rival_curve(trained(0.9, ({"seconds": 1.0, "loss": 0.5},))) == ()
    assert rival_curve(trained(0.9, ())) == ()


def test_no_lie_makes_a_rival_better_than_it_was_on_the_validation_images() -> None:
    told = (point(-1, 1.0), point(0.1, 1.0), point(2, 5e9), point(3, -4))

    assert rival_curve(trained(0.6, told, seconds=3.5)) == ((0.1, 0.6), (3.5, 0.6))


def test_a_long_curve_becomes_a_short_rival_with_the_same_end() -> None:
    told = tuple(point(second, second / 2000) for second in range(1, 2001))
    rival = rival_curve(replace(trained(1.0, told, seconds=2001.0), seconds=2500.0))

    assert len(rival) <= POINTS
    assert rival[-1] == (2001.0, 1.0)
    assert rival == tuple(sorted(rival))
