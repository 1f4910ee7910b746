"""Which recipe is drafted for which task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.backbones import BACKBONES
from orchestrator.first_choice import FURTHEST, choices, paced
from prompts.recipe import read_recipe
from tests.playbook_cases import ANIMALS, colour, make_profile

PHOTOS = colour(image_size=None)
TUNED = ("resnet18.a1_in1k", "convnext_tiny.in12k_ft_in1k")
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "digits": ({}, "tiny-grey"),
    "grey, with weights": ({"weights": TUNED}, "tiny-grey"),
    "small colour images": (colour(), "small-colour"),
    "small colour images, weights, a GPU": (colour(device="cuda", weights=TUNED), "fine-tune-small"),
    "few small images": (colour(train_size=300, class_counts=(30,) * 10), "small-data"),
    "few photos": (colour(image_size=None, train_size=300, class_counts=(30,) * 10), "small-data"),
    "many classes": (
        colour(classes=tuple(f"class {number}" for number in range(200)), class_counts=(225,) * 200),
        "many-classes",
    ),
    "photos": (PHOTOS, "large-photos"),
    "photos, weights": (PHOTOS | {"device": "cuda", "weights": TUNED}, "fine-tune-photos"),
    "large grey images": ({"image_size": (256, 256), "train_size": 20_000}, "large-photos"),
}


@pytest.mark.parametrize(("task", "recipe"), TASKS.values(), ids=TASKS)
def test_drafts_the_recipe_that_suits(task: dict[str, Any], recipe: str) -> None:
    assert recipe == choices(make_profile(**task))[0].recipe


@pytest.mark.parametrize("size", [None, (8, 8), (28, 40), (96, 96), (300, 200)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("images", [20, 1_000, 1_000_000])
@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("seconds", [5, 36_000])
def test_every_choice_fills_in(  # noqa: PLR0917 - the product of six lists
    size: tuple[int, int] | None, channels: int, images: int, classes: int, device: str, seconds: float
) -> None:
    profile = make_profile(
        classes=tuple(f"class {number}" for number in range(classes)),
        image_size=size,
        channels=channels,
        train_size=images,
        class_counts=(max(1, images // classes),) * classes,
        device=device,
        seconds=seconds,
        weights=("tf_efficientnet_lite0.in1k", "some_other.weights"),
    )
    for choice in choices(profile):
        read_recipe(choice.recipe).fill(choice.values)


def test_takes_the_best_weights_that_the_device_is_fast_enough_for() -> None:
    on_gpu = choices(make_profile(**colour(device="cuda", weights=TUNED)))[0]
    on_cpu = choices(make_profile(**colour(train_size=2000, class_counts=(200,) * 10, weights=TUNED)))[0]
    assert on_gpu.values["backbone"] == "convnext_tiny.in12k_ft_in1k"
    assert on_cpu.values["backbone"] == "resnet18.a1_in1k"


def test_weights_that_are_not_known_are_better_than_none() -> None:
    choice = choices(make_profile(**PHOTOS | {"device": "cuda", "weights": ("some_other.weights",)}))[0]
    assert choice.values["backbone"] == "some_other.weights"


def test_where_weights_are_fetched_any_that_is_known_may_be_chosen() -> None:
    profile = replace(make_profile(**PHOTOS | {"device": "cuda"}), fetches=True)
    choice = choices(profile)[0]
    assert choice.recipe == "fine-tune-photos"
    assert choice.values["backbone"] in BACKBONES


def test_a_longer_clock_allows_a_wider_network() -> None:
    short, long = (choices(make_profile(**colour(seconds=seconds)))[0] for seconds in (600, 36_000))
    assert int(short.values["width"]) < int(long.values["width"])


def test_a_machine_that_proved_slow_gets_a_shorter_schedule() -> None:
    profile = make_profile()
    draft, other = choices(profile)
    slow, slower = (choices(paced(profile, draft, seconds))[1].values for seconds in (2.0, 4.0))
    assert int(slower["epochs"]) < int(slow["epochs"]) < int(other.values["epochs"])
    assert slow["width"] == slower["width"]


@pytest.mark.parametrize(
    "task",
    [colour(), colour(device="cuda", weights=TUNED), PHOTOS, TASKS["many classes"][0], TASKS["few photos"][0]],
    ids=["small-colour", "fine-tune-small", "large-photos", "many-classes", "small-data"],
)
def test_every_recipe_tells_the_pace_of_a_machine(task: dict[str, Any]) -> None:
    profile = make_profile(**task)
    images = profile.task.train_size
    once, twice = (paced(profile, choices(profile)[0], seconds * images).pace for seconds in (0.001, 0.002))
    assert once == pytest.approx(2 * twice)
    assert paced(profile, choices(profile)[0], 1e-300).pace == FURTHEST


@pytest.mark.parametrize("description", ["", "House numbers, cut out"])
def test_classes_that_are_digits_or_words_that_speak_of_them_forbid_flips(description: str) -> None:
    classes = ANIMALS if description else tuple("0123456789")
    choice = choices(make_profile(description=description, **colour(classes=classes)))[0]
    assert choice.values["flip"] is False
    assert choice.values["views"] == "none"


def test_photos_of_things_are_flipped() -> None:
    choice = choices(make_profile(**colour()))[0]
    assert read_recipe(choice.recipe).complete(choice.values)["flip"] is True


def test_orientation_forbids_rotation() -> None:
    choice = choices(make_profile(description="The label is the orientation of a sprite."))[0]
    assert choice.values["rotate"] == 0.0


@pytest.mark.torch
def test_backbones_are_exact_names_of_timm() -> None:
    timm = pytest.importorskip("timm")
    assert set() == set(BACKBONES) - set(timm.list_pretrained())
