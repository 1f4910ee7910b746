"""Images that are another way round in evaluation are told; whatever else training does to them is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torchvision.transforms import v2

from harness.check_alike import altered
from harness.randomness import seeded_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

pytestmark = pytest.mark.torch

SEEDS = range(3)


def picture(number: int) -> Tensor:
    """Some blots of colour, as a photo has."""
    generator = torch.Generator().manual_seed(number)
    coarse = torch.rand((1, 3, 4, 4), generator=generator)
    return (torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")[0] * 255).byte()


PICTURES = [picture(number) for number in range(8)]
FLOAT = v2.ToDtype(torch.float32, scale=True)
WAYS: dict[str, v2.Transform] = {
    "mirrored": v2.RandomHorizontalFlip(1.0),
    "upside down": v2.RandomVerticalFlip(1.0),
    "turned by 180 degrees": v2.Lambda(lambda image: image.flip(1, 2)),
    "turned to the left": v2.Lambda(lambda image: image.rot90(-1, (1, 2))),
    "turned to the right": v2.Lambda(lambda image: image.rot90(1, (1, 2))),
    "with rows for columns": v2.Lambda(lambda image: image.transpose(1, 2)),
    "with their channels reversed": v2.Lambda(lambda image: image.flip(0)),
    "as negatives": v2.Lambda(lambda image: 255 - image),
}
USUAL: dict[str, v2.Transform] = {
    "nothing": v2.Identity(),
    "flips": v2.RandomHorizontalFlip(),
    "flips of both kinds": v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]),
    "shifts": v2.RandomCrop(32, padding=4),
    "crops and flips": v2.Compose([v2.RandomResizedCrop(32, (0.35, 1.0)), v2.RandomHorizontalFlip()]),
    "a crop of the middle": v2.Compose([v2.CenterCrop(24), v2.Resize(32)]),
    "TrivialAugment": v2.TrivialAugmentWide(),
    "RandAugment": v2.RandAugment(),
    "any rotation": v2.RandomRotation(180),
    "colours": v2.ColorJitter(0.5, 0.5, 0.5, 0.3),
    "channels in any order": v2.RandomChannelPermutation(),
    "negatives now and then": v2.RandomInvert(0.5),
}


def found(train: v2.Transform, evaluate: v2.Transform, pictures: list[Tensor], first: int = 0) -> str:
    return altered(pictures, [evaluate(image) for image in pictures], drawn(train, pictures, first), evaluate)


def drawn(train: Callable[[Tensor], Tensor], pictures: list[Tensor], first: int) -> list[list[Tensor]]:
    made = []
    for seed in SEEDS:
        with seeded_aside(first + seed):
            made.append([train(image) for image in pictures])
    return made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("train", ["nothing", "shifts", "colours"])
def test_images_that_are_another_way_round_in_evaluation_are_told(way: str, train: str) -> None:
    said = found(v2.Compose([USUAL[train], FLOAT]), v2.Compose([WAYS[way], FLOAT]), PICTURES)

    assert said == way or (train == "colours" and said == "")


@pytest.mark.parametrize("train", USUAL)
def test_usual_training_is_no_fault(train: str) -> None:
    said = {found(v2.Compose([USUAL[train], FLOAT]), FLOAT, PICTURES, first) for first in range(0, 60, 3)}

    assert said == {""}


def test_images_that_are_their_own_mirror_images_tell_nothing() -> None:
    pictures = [torch.cat([image, image.flip(2)], dim=2) for image in PICTURES]

    assert found(FLOAT, v2.Compose([v2.RandomHorizontalFlip(1.0), FLOAT]), pictures) == ""


def test_what_is_mirrored_in_training_now_and_then_may_be_so_in_evaluation() -> None:
    mirrored = v2.Compose([v2.RandomHorizontalFlip(1.0), FLOAT])

    assert {found(v2.Compose([USUAL["flips"], FLOAT]), mirrored, PICTURES, first) for first in range(0, 60, 3)} == {""}
