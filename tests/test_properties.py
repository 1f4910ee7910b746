"""When what is no picture tells the class: found where it does, silent where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.prepare.pixels import Header
from harness.prepare.properties import MOST_VALUES, Properties, Telling

CLASSES = ("fit", "sick", "unsure")
RANDOM = np.random.default_rng(0)


def header(**known: Any) -> Header:
    plain = Header(height=100, width=100, grey=False, peak=0.0, digest=0, format="JPEG", bytes=5000)
    return replace(plain, **known)


def told(labels: list[int], headers: list[Header]) -> list[Telling]:
    properties = Properties(len(labels))
    for index, each in enumerate(headers):
        properties.note(index, each)
    order = RANDOM.permutation(len(labels)).astype(np.int32)
    return properties.telling(order, np.array(labels), CLASSES)


LABELS = [0, 1, 2] * 60


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("size in pixels", {"height": 101, "width": 101}),
        ("file format", {"format": "PNG"}),
        ("file size", {"bytes": 9000}),
        ("lack of colour", {"grey": True}),
    ],
)
def test_a_class_that_alone_has_a_property_is_named(name: str, known: dict[str, Any]) -> None:
    [found] = told(LABELS, [header(**known) if label == 1 else header() for label in LABELS])

    assert (found.property, found.classes) == (name, ["sick"])
    assert found.accuracy > 0.5
    assert found.majority < 0.5


def test_a_difference_of_shape_is_one_of_size_and_of_aspect() -> None:
    found = told(LABELS, [header(width=130) if label == 1 else header() for label in LABELS])

    assert [each.property for each in found] == ["size in pixels", "aspect ratio"]


def test_properties_that_vary_by_chance_tell_nothing() -> None:
    headers = [
        header(
            height=int(RANDOM.integers(50, 500)),
            width=int(RANDOM.integers(50, 500)),
            format=str(RANDOM.choice(["JPEG", "PNG"])),
            bytes=int(RANDOM.integers(1000, 100_000)),
            grey=bool(RANDOM.integers(2)),
        )
        for _ in LABELS
    ]

    assert told(LABELS, headers) == []


def test_sizes_that_are_all_different_tell_nothing_of_images_not_learnt_from() -> None:
    headers = [header(height=1000 + index, width=1000 + index, bytes=0) for index in range(len(LABELS))]

    assert told(LABELS, headers) == []


def test_one_size_in_one_class_of_two_that_share_it_is_no_sign() -> None:
    headers = [header(height=99 if index % 2 else 100) for index in range(len(LABELS))]

    assert [each for each in told(LABELS, headers) if each.classes] == []


def test_more_sizes_than_are_told_apart_count_as_one() -> None:
    labels = [0, 1] * MOST_VALUES
    headers = [header(height=1000 + index, width=1000 + index, bytes=0) for index in range(len(labels))]

    assert told(labels, headers) == []
