"""What is told of a dataset: what was left out, and which accuracy would be a lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.dataset import Duplicates, Groups
from orchestrator.dataset_notes import dataset_notes, leaks
from orchestrator.terminal import dataset_lines
from tests.fakes import make_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.dataset import Facts


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """30 training, 4 validation and 5 test images, with nothing to tell."""
    return make_dataset(tmp_path / "dataset").facts


def left_out(facts: Facts, extensions: dict[str, int], **counts: int) -> list[str]:
    skipped = {"hidden": 0, "not_images": 0, "links": 0} | counts
    return dataset_notes(facts.model_copy(update={"skipped": skipped, "skipped_extensions": extensions}))


def copies(facts: Facts, train: int = 0, validation: int = 0, test: int = 0) -> Facts:
    counted = Duplicates(within_train=train, validation=validation, test=test)
    return facts.model_copy(update={"duplicates": counted})


def test_where_nothing_is_left_out_nothing_is_told(facts: Facts) -> None:
    assert dataset_notes(facts) == []


def test_what_was_left_out_is_told_with_its_commonest_extensions(facts: Facts) -> None:
    [many] = left_out(facts, {".heic": 500, ".txt": 1}, not_images=502, links=2, hidden=3)
    [few] = left_out(facts, {}, not_images=1, links=1, hidden=1)

    assert many == (
        "Left out: 502 files of other kinds (500 .heic, 1 .txt), 2 links to folders or out of the dataset, "
        "3 hidden entries."
    )
    assert few == "Left out: 1 file of other kinds, 1 link to folders or out of the dataset, 1 hidden entry."


def test_images_that_no_row_of_a_table_names_are_told(facts: Facts) -> None:
    assert left_out(facts, {}, not_named=3) == ["Left out: 3 images that no row of the table names."]


def test_copies_in_train_are_told_without_a_warning(facts: Facts) -> None:
    assert dataset_notes(copies(facts, train=1)) == ["1 training image is a copy of another."]
    assert dataset_notes(copies(facts, train=2)) == ["2 training images are copies of another."]


def test_held_back_images_that_stand_elsewhere_too_are_warned_of(facts: Facts) -> None:
    validation, test = leaks(copies(facts, validation=1, test=5))

    assert validation.startswith("Warning: 1 of 4 validation images are also among the training images")
    assert test.startswith("Warning: 5 of 5 test images are also among the training or validation images")
    assert leaks(copies(facts, train=9)) == []


def test_groups_that_the_source_parts_are_warned_of(facts: Facts) -> None:
    parted = facts.model_copy(update={"groups": Groups(count=9, validation=0, test=2)})
    whole = facts.model_copy(update={"groups": Groups(count=9, validation=0, test=0)})

    [warning] = dataset_notes(parted)

    assert warning.startswith("Warning: 2 of 5 test images are of groups that were also learnt from or chosen on")
    assert leaks(parted) == [warning]
    assert dataset_notes(whole) == []


def test_the_lines_of_a_dataset_end_with_its_notes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    dataset.facts = copies(dataset.facts, test=5)

    size, warning = dataset_lines(dataset).split("\n")

    assert size == "noise: 30 training, 4 validation and 5 test images of 3 classes."
    assert [warning] == leaks(dataset.facts)
