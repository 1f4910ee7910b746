"""Known remedies: what a crash says, and what mends it."""

from __future__ import annotations

import pytest

from orchestrator.remedies import remedies
from orchestrator.team import Choice
from tests.playbook_cases import crashed, make_profile

CRASHES: list[tuple[str, str, str]] = [
    ("small-colour", "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "train: batch size 256 -> 64"),
    ("small-colour", "It was killed, most likely because it was out of memory.", "train: batch size 256 -> 64"),
    ("small-colour", "the loss is not finite", "train: learning rate 0.3 -> 0.075"),
    ("small-colour", "ValueError: loss is nan", "train: learning rate 0.3 -> 0.075"),
    ("tiny-grey", "train was killed 10 s after its clock of 60 s was over", "train: epochs 40 -> 10"),
    (
        "fine-tune-photos",
        "LocalEntryNotFoundError: not cached",
        "recipe: fine-tune-photos -> large-photos",
    ),
    ("fine-tune-small", "RuntimeError: No pretrained weights exist", "recipe: fine-tune-small -> small-colour"),
    ("small-colour", "RuntimeError: something else", "recipe: small-colour -> tiny-grey"),
]


@pytest.mark.parametrize(("recipe", "error", "change"), CRASHES)
def test_the_first_remedy_fits_what_the_crash_says(recipe: str, error: str, change: str) -> None:
    assert change == next(remedies(make_profile(), Choice(recipe=recipe), crashed(error))).change


def test_an_unknown_crash_puts_the_culprit_back_to_its_defaults() -> None:
    choice = Choice(recipe="tiny-grey", values={"mixup": 0.4, "width": 32})
    first = next(remedies(make_profile(), choice, crashed("RuntimeError: something", "data")))
    assert first.change == "data: as the recipe has it"
    assert dict(first.choice.values) == {"width": 32}


def test_another_recipe_keeps_what_says_how_images_are() -> None:
    choice = Choice(recipe="fine-tune-photos", values={"flip": False, "side": 96, "epochs": 3})
    first = next(remedies(make_profile(), choice, crashed("LocalEntryNotFoundError: nothing")))
    assert dict(first.choice.values) == {"flip": False, "side": 96}


def test_the_simplest_recipe_at_its_defaults_has_no_remedy() -> None:
    assert list(remedies(make_profile(), Choice(recipe="tiny-grey"), crashed("RuntimeError: something"))) == []
