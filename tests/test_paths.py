"""Paths kept in few bytes come back as they were."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from harness.sources.paths import Paths

names = st.lists(st.binary(min_size=1, max_size=12).map(os.fsdecode), max_size=5)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "train/b", "train/ä/c"]), names), max_size=6))
def test_every_path_comes_back_whatever_bytes_its_name_has(parts: list[tuple[str, list[str]]]) -> None:
    paths = Paths()

    counts = [paths.extend(folder, inside) for folder, inside in parts]

    assert counts == [len(inside) for _, inside in parts]
    assert list(paths) == [f"{folder}/{name}" if folder else name for folder, inside in parts for name in inside]
    assert len(paths) == sum(counts)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), names), max_size=6), st.data())
def test_some_of_the_paths_are_those_with_their_numbers(
    parts: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    paths = Paths()
    for folder, inside in parts:
        paths.extend(folder, inside)
    numbers = [number for number in range(len(paths)) if data.draw(st.booleans())]

    assert list(paths.only(numbers)) == [paths[number] for number in numbers]
