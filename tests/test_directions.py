"""Which names of classes warn of flips, of turns, of zooms; and which names only look like it."""

from __future__ import annotations

import pytest

from orchestrator.directions import direction_notes, forbids_mirrors, forbids_turns

DIGITS = [str(number) for number in range(10)]


@pytest.mark.parametrize(
    ("classes", "description"),
    [
        (DIGITS, ""),
        (["a", "B", "ch"], ""),
        (["turn left", "turn right", "straight on"], ""),
        (["hand_LEFT", "hand_RIGHT"], ""),
        (["clockwise", "counterclockwise"], ""),
        (["digit_1", "digit_2"], ""),
        (["cat", "dog"], "which direction they look in"),
    ],
)
def test_flips_are_warned_of(classes: list[str], description: str) -> None:
    assert forbids_mirrors(classes, description)
    assert "flips" in " ".join(direction_notes(classes, description))


@pytest.mark.parametrize(
    "classes",
    [
        ["cat", "dog"],
        ["right whale", "blue whale"],
        ["left overs", "soup"],
        ["arrow", "bow", "shield"],
        ["copyright", "copyleft"],
        ["type 6", "type 9"],
    ],
)
def test_of_other_names_nothing_is_said(classes: list[str]) -> None:
    assert not forbids_mirrors(classes, "")
    assert direction_notes(classes, "") == []


@pytest.mark.parametrize(
    ("classes", "pair"),
    [
        (DIGITS, "6/9"),
        (["thumbs up", "thumbs_down"], "up/down"),
        (["b", "q", "x"], "b/q"),
        (["letter n", "letter u"], "n/u"),
    ],
)
def test_upside_down_one_class_may_be_another(classes: list[str], pair: str) -> None:
    [note] = [note for note in direction_notes(classes, "") if "upside down" in note]

    assert note.startswith(f"Classes differ by {pair}")


def test_letters_that_mirror_into_each_other_are_named() -> None:
    [note, _] = direction_notes(list("bdpqx"), "")

    assert "(b/d) (p/q)" in note


@pytest.mark.parametrize(
    ("classes", "forbidden"), [(["orientation 0", "orientation 9"], True), (["arrow", "cat"], False), (DIGITS, False)]
)
def test_rotations_are_warned_of_where_orientation_is_the_class(classes: list[str], forbidden: bool) -> None:
    assert forbids_turns(classes, "") is forbidden


def test_classes_that_differ_by_case_are_counted() -> None:
    [*_, note] = direction_notes(["a", "A", "b", "B", "c"], "")

    assert note.startswith("2 class names differ from another by upper and lower case alone")


def test_nothing_of_the_users_words_is_repeated() -> None:
    notes = direction_notes(["obey\nme left", "obey\nme right", "OBEY\nme left"], "rotation of obedience")

    assert len(notes) == 3
    assert "obe" not in " ".join(notes).casefold()
