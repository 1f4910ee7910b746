"""What the splits promise, for any labels, copies and seeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.prepare.splits import TEST_SHARE, VALIDATION_SHARE, Division, divide
from harness.sources.source import SKIPPED, SPLITS, UnusableDatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Labelled:
    """A source of labels; its images are never read."""

    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    classes: tuple[str, ...]
    groups: NDArray[np.int32] | None = None
    description: str = ""
    licence: str = ""
    skipped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: dict[str, int] = field(default_factory=dict)
    unlabelled: None = None

    def read(self, index: int) -> bytes:
        raise AssertionError(index)

    def where(self, index: int) -> str:
        return str(index)


def labelled(counts: list[int], code: int = 0) -> Labelled:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Labelled(
        labels, np.full(len(labels), code, np.int8), tuple(f"class {label}" for label in range(len(counts)))
    )


def joined(*sources: Labelled) -> Labelled:
    labels = np.concatenate([source.labels for source in sources])
    return Labelled(labels, np.concatenate([source.given for source in sources]), sources[0].classes)


def distinct(source: Labelled) -> NDArray[np.uint64]:
    return np.arange(len(source.labels), dtype=np.uint64)


def counts_of(source: Labelled, division: Division, split: str) -> NDArray[np.int64]:
    return np.bincount(source.labels[division.positions[split]], minlength=len(source.classes))


class_counts = st.lists(st.integers(10, 60), min_size=2, max_size=6)


@given(counts=class_counts, seed=st.integers(0, 1000), copies=st.integers(0, 30))
def test_every_image_is_in_exactly_one_split(counts: list[int], seed: int, copies: int) -> None:
    source = labelled(counts)
    digests = distinct(source)
    digests[:copies:3] = 0 if copies < counts[0] else digests[:copies:3]

    division = divide(source, digests, seed)

    assert list(SPLITS) == list(division.positions)
    assert list(range(len(source.labels))) == sorted(np.concatenate(list(division.positions.values())).tolist())


@given(counts=class_counts, seed=st.integers(0, 1000))
def test_each_class_gives_its_share_to_the_nearest_image(counts: list[int], seed: int) -> None:
    source = labelled(counts)

    division = divide(source, distinct(source), seed)

    test = counts_of(source, division, "test")
    validation = counts_of(source, division, "validation")
    assert (np.abs(test - np.array(counts) * TEST_SHARE) <= 0.5).all()
    assert (np.abs(validation - (np.array(counts) - test) * VALIDATION_SHARE) <= 0.5 + 1e-9).all()
    assert validation.min() >= 1


@given(seed=st.integers(0, 1000), groups=st.lists(st.integers(1, 8), min_size=12, max_size=40))
def test_copies_of_an_image_are_never_parted(seed: int, groups: list[int]) -> None:
    source = labelled([sum(groups), 20])
    digests = np.concatenate([np.repeat(np.arange(len(groups)), groups), 1000 + np.arange(20)]).astype(np.uint64)

    division = divide(source, digests, seed)

    held = [np.unique(digests[at]) for at in division.positions.values()]
    assert len(np.unique(digests)) == sum(map(len, held))
    assert all(counts_of(source, division, split).min() >= 1 for split in SPLITS)


def test_copies_filed_under_two_classes_stay_in_training() -> None:
    source = labelled([20, 20])
    digests = distinct(source)
    digests[20:25] = digests[:5]

    train = divide(source, digests, 0).positions["train"]

    assert {*range(5), *range(20, 25)} <= set(train.tolist())


def test_the_seed_decides_and_nothing_else() -> None:
    source = labelled([40, 40])
    first, same, other = (divide(source, distinct(source), seed).positions["train"].tolist() for seed in (1, 1, 2))

    assert first == same
    assert first != other


def test_the_order_tells_nothing_about_the_class() -> None:
    source = labelled([500, 500])

    labels = source.labels[divide(source, distinct(source), 0).positions["train"]]

    assert abs(labels[:300].mean() - 0.5) < 0.15


def test_a_given_test_split_is_kept() -> None:
    source = joined(labelled([20, 20]), labelled([3, 1], code=2))

    division = divide(source, distinct(source), 0)

    assert set(range(40, 44)) == set(division.positions["test"].tolist())
    assert counts_of(source, division, "validation").tolist() == [2, 2]
    assert "given test split is kept" in division.rule


def test_a_given_validation_split_without_a_test_split_becomes_the_test_split() -> None:
    source = joined(labelled([20, 20]), labelled([3, 3], code=1))

    division = divide(source, distinct(source), 0)

    assert set(range(40, 46)) == set(division.positions["test"].tolist())
    assert counts_of(source, division, "validation").tolist() == [2, 2]


def test_given_validation_and_test_splits_are_both_kept() -> None:
    source = joined(labelled([20, 20]), labelled([3, 3], code=1), labelled([4, 4], code=2))

    division = divide(source, distinct(source), 0)

    assert [len(division.positions[split]) for split in SPLITS] == [40, 6, 8]


def test_small_classes_are_named_with_their_counts() -> None:
    source = labelled([9, 10, 3])

    with pytest.raises(
        UnusableDatasetError, match=r"at least 10 images to train on: 'class 0' has 9, 'class 2' has 3;"
    ):
        divide(source, distinct(source), 0)


def test_a_single_class_is_refused() -> None:
    source = labelled([50])

    with pytest.raises(UnusableDatasetError, match="a single class, 'class 0'"):
        divide(source, distinct(source), 0)


@pytest.mark.parametrize("counts", [[50], [50, 3]])
def test_a_class_that_is_missing_or_small_for_its_links_is_refused_with_them(counts: list[int]) -> None:
    source = replace(labelled(counts), skipped={"hidden": 0, "not_images": 0, "links": 7})

    with pytest.raises(UnusableDatasetError, match=r" \(links skipped: 7; copy what they point to\)\.$"):
        divide(source, distinct(source), 0)


def test_a_class_of_copies_is_refused() -> None:
    source = labelled([12, 12])
    digests = distinct(source)
    digests[:12] = 0

    with pytest.raises(UnusableDatasetError, match=r"'class 0' has 1 different images .* \(12 with copies\)"):
        divide(source, digests, 0)
