"""What the splits promise where images belong to groups: patients, plants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.prepare.splits import TEST_SHARE, VALIDATION_SHARE, divide
from harness.sources.source import SPLITS, UnusableDatasetError
from tests.test_prepare_splits import Labelled, counts_of, distinct, joined, labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.prepare.splits import Division


def grouped(sizes: list[list[int]]) -> Labelled:
    """Of each class the sizes of its groups, which no other class shares."""
    source = labelled([sum(each) for each in sizes])
    flat = [size for each in sizes for size in each]
    return replace(source, groups=np.repeat(np.arange(len(flat)), flat).astype(np.int32))


def sides(values: NDArray[Any], division: Division) -> list[set[int]]:
    return [set(values[at].tolist()) for at in division.positions.values()]


def disjoint(parts: list[set[int]]) -> bool:
    return sum(map(len, parts)) == len(set().union(*parts))


@st.composite
def mixed(draw: st.DrawFn) -> tuple[Labelled, NDArray[np.uint64]]:
    """Groups that span classes, copies that span groups, and at least five groups of each class of its own."""
    classes = draw(st.integers(2, 4))
    source = grouped([draw(st.lists(st.integers(2, 6), min_size=5, max_size=8)) for _ in range(classes)])
    assert source.groups is not None
    more = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, 9)), max_size=40))
    extra = Labelled(np.array([label for label, _ in more], np.int64), np.zeros(len(more), np.int8), source.classes)
    groups = np.concatenate([source.groups, [1000 + group for _, group in more]]).astype(np.int32)
    source = replace(joined(source, extra), groups=groups)
    digests = distinct(source)
    for one, other in draw(st.lists(st.tuples(*[st.integers(0, len(groups) - 1)] * 2), max_size=4)):
        if source.labels[one] == source.labels[other]:
            digests[one] = digests[other]
    return source, digests


@given(mixed(), st.integers(0, 1000))
def test_no_group_and_no_copy_is_on_two_sides(made: tuple[Labelled, NDArray[np.uint64]], seed: int) -> None:
    source, digests = made
    assert source.groups is not None

    division = divide(source, digests, seed)

    assert disjoint(sides(source.groups, division))
    assert disjoint(sides(digests, division))
    assert sorted(np.concatenate(list(division.positions.values())).tolist()) == list(range(len(digests)))
    assert (counts_of(source, division, "train") > 0).all()


@given(st.lists(st.lists(st.integers(1, 30), min_size=10, max_size=30), min_size=2, max_size=4), st.integers(0, 1000))
def test_each_class_gives_its_share_within_its_largest_group(sizes: list[list[int]], seed: int) -> None:
    source = grouped(sizes)
    total, largest = np.array([sum(each) for each in sizes]), np.array([max(each) for each in sizes])

    division = divide(source, distinct(source), seed)

    test, validation = (counts_of(source, division, split) for split in ("test", "validation"))
    assert (np.abs(test - total * TEST_SHARE) <= largest).all()
    assert (np.abs(validation - (total - test) * VALIDATION_SHARE) <= largest).all()
    assert min(test.min(), validation.min()) > 0


@given(st.lists(st.integers(10, 60), min_size=2, max_size=5), st.integers(0, 1000))
def test_groups_of_one_image_give_shares_to_the_nearest_image_or_the_next(counts: list[int], seed: int) -> None:
    source = grouped([[1] * count for count in counts])

    test = counts_of(source, divide(source, distinct(source), seed), "test")

    assert (np.abs(test - np.array(counts) * TEST_SHARE) < 1).all()


@given(st.integers(3, 8), st.integers(3, 8), st.integers(0, 1000))
def test_a_class_in_three_groups_is_in_every_split(first: int, second: int, seed: int) -> None:
    source = grouped([[9] * first, [20] * second, [5] * 30])

    division = divide(source, distinct(source), seed)

    assert all((counts_of(source, division, split) > 0).all() for split in SPLITS)


def test_a_class_in_two_groups_is_in_train_and_in_test() -> None:
    source = grouped([[20, 30], [5] * 30])

    division = divide(source, distinct(source), 0)

    assert [int(counts_of(source, division, split)[0]) > 0 for split in SPLITS] == [True, False, True]


def test_a_giant_group_stays_in_training() -> None:
    source = grouped([[500, *[5] * 20], [5] * 100])

    assert set(range(500)) <= set(divide(source, distinct(source), 0).positions["train"].tolist())


def test_groups_that_span_all_classes_are_divided_evenly() -> None:
    """Forty patients, each with his own mixture of three classes."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 50).astype(np.int32)
    labels = np.concatenate([random.choice(3, 50, p=random.dirichlet([1, 1, 1])) for _ in range(40)])
    source = Labelled(labels, np.zeros(2000, np.int8), ("a", "b", "c"), groups)

    division = divide(source, distinct(source), 0)

    shares = counts_of(source, division, "test") / np.bincount(labels)
    assert (np.abs(shares - TEST_SHARE) < 0.05).all()
    assert disjoint(sides(groups, division))


def test_copies_filed_under_two_classes_keep_their_groups_in_training() -> None:
    source = grouped([[5] * 10, [5] * 10])
    digests = distinct(source)
    digests[50] = digests[0]

    train = divide(source, digests, 0).positions["train"]

    assert {*range(5), *range(50, 55)} <= set(train.tolist())


@pytest.mark.parametrize("given_test", [False, True])
def test_a_class_in_a_single_group_is_refused_by_name(given_test: bool) -> None:
    source = grouped([[5] * 10, [40]])
    if given_test:
        test = replace(labelled([3, 3], code=2), groups=np.arange(6, dtype=np.int32))
        assert source.groups is not None
        assert test.groups is not None
        source = replace(joined(source, test), groups=np.concatenate([source.groups, 100 + test.groups]))

    with pytest.raises(
        UnusableDatasetError, match=r"^All images of class 'class 1' lie in one group, or .*: add images"
    ):
        divide(source, distinct(source), 0)


def test_one_group_for_all_is_refused() -> None:
    source = replace(labelled([20, 20]), groups=np.zeros(40, np.int32))

    with pytest.raises(UnusableDatasetError, match=r"^All images of class 'class 0', 'class 1' lie in one group"):
        divide(source, distinct(source), 0)


def test_given_splits_are_kept_even_where_they_part_a_group() -> None:
    source = joined(labelled([20, 20]), labelled([3, 3], code=1), labelled([4, 4], code=2))
    source = replace(source, groups=np.zeros(54, np.int32))

    division = divide(source, distinct(source), 0)

    assert [len(division.positions[split]) for split in SPLITS] == [40, 6, 8]


def test_the_seed_decides_which_groups() -> None:
    source = grouped([[3] * 20, [3] * 20])
    first, same, other = (divide(source, distinct(source), seed).positions["test"].tolist() for seed in (1, 1, 2))

    assert first == same
    assert set(first) != set(other)
