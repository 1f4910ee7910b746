"""The tuning split: stratified, the same for every seed, never large."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.splits import tuning_counts, tuning_indices

COUNTS = st.lists(st.integers(0, 300), min_size=1, max_size=12)


@given(COUNTS)
def test_counts_alone_say_how_many_are_held_out(counts: list[int]) -> None:
    """So that `predict`, which sees no labels, describes the same task."""
    labels = np.repeat(np.arange(len(counts)), counts)
    held = labels[tuning_indices(labels, len(counts))]

    assert list(tuning_counts(counts)) == np.bincount(held, minlength=len(counts)).tolist()


@given(COUNTS)
def test_every_class_of_five_gives_one_and_no_smaller_gives_any(counts: list[int]) -> None:
    assert [count >= 5 for count in counts] == [held > 0 for held in tuning_counts(counts)]


def test_a_tenth_is_held_out_and_at_most_five_thousand() -> None:
    assert tuning_counts((100, 200)) == (10, 20)
    assert sum(tuning_counts((500_000, 500_000))) == 5000


def test_no_image_is_held_out_twice() -> None:
    indices = tuning_indices(np.arange(1000) % 7, 7)

    assert len(indices) == len(set(indices.tolist()))
