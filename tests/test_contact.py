"""Which images a contact sheet shows, and where each class stands."""

from __future__ import annotations

import numpy as np
import pytest

from harness.prepare.contact import choose_in_turn, columns


def test_images_of_a_class_are_spread_and_the_first_is_among_them() -> None:
    labels = np.repeat([0, 1], 1000)
    chosen = choose_in_turn(labels, 2)

    assert chosen[:4] == [0, 1000, 41, 1041]
    assert len(set(chosen)) == 48


def test_a_class_of_few_images_leaves_its_turns_to_nobody() -> None:
    assert choose_in_turn(np.array([1, 0, 0, 0]), 3) == [1, 0, 2, 3]


@pytest.mark.parametrize(("classes", "cells"), [(2, 48), (10, 40), (30, 30), (48, 48), (200, 48)])
def test_as_many_classes_as_fit_are_shown(classes: int, cells: int) -> None:
    labels = np.tile(np.arange(classes), 30)
    chosen = choose_in_turn(labels, classes)

    assert len(chosen) == cells
    assert set(labels[chosen].tolist()) == set(range(min(classes, 48)))


@pytest.mark.parametrize(("classes", "expected"), [(2, 8), (3, 6), (5, 5), (10, 10), (12, 12), (13, 8), (200, 8)])
def test_a_class_keeps_to_its_columns_where_they_are_few(classes: int, expected: int) -> None:
    assert columns(classes) == expected
