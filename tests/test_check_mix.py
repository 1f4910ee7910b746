"""Whose label an image gets: mixes that people use pass, and those that name images for others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn.functional import one_hot
from torchvision.transforms import v2

from harness.blame import BrokenContractError
from harness.check_mix import check_targets_follow
from tests.playbook_cases import make_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Mix = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

pytestmark = pytest.mark.torch

IMAGES = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def mixup(swapped: bool, least: float = 0.0) -> Mix:
    def mix(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        share, order = least + (1 - least) * torch.rand(()), torch.randperm(len(images))
        targets = one_hot(labels, 10).float()
        mine, other = (images[order], images) if swapped else (images, images[order])
        return share * mine + (1 - share) * other, share * targets + (1 - share) * targets[order]

    return mix


def patched(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """CutMix with a share for each image, then flips and a noise."""
    order, width = torch.randperm(len(images)), torch.randint(0, 9, (len(images),))
    inside = (torch.arange(8) < width[:, None])[:, None, None, :]
    targets = one_hot(labels, 10).float()
    share = (1 - width / 8)[:, None]
    mixed = torch.where(inside, images[order], images).flip(-1)
    return mixed + 0.1 * torch.randn_like(mixed), share * targets + (1 - share) * targets[order]


def smoothed(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return images * (torch.rand(len(images), 1, 8, 8) < 0.5), 0.7 * one_hot(labels, 10) + 0.03


GOOD: dict[str, Mix] = {
    "mixup": mixup(swapped=False),
    "torchvision's": v2.RandomChoice([v2.MixUp(num_classes=10), v2.CutMix(num_classes=10)]),
    "with other parameters": v2.RandomChoice([v2.MixUp(alpha=0.2, num_classes=10), v2.CutMix(num_classes=10)]),
    "cutmix for each image": patched,
    "smoothed, with half of the pixels dropped": smoothed,
    "none": lambda images, labels: (images, labels),
}


@pytest.mark.parametrize("mix", GOOD)
def test_mixes_that_people_use_pass(mix: str) -> None:
    assert {check_targets_follow(GOOD[mix], IMAGES, make_task(seed=seed)) for seed in range(20)} == {""}


@pytest.mark.parametrize("least", [0.8, 0.5, 0.95])
def test_a_mix_that_names_images_for_what_is_less_of_them_is_told(least: float) -> None:
    said = check_targets_follow(mixup(swapped=True, least=least), IMAGES, make_task())

    assert "names most images for an image of which they hold less" in said


def test_labels_of_images_that_are_not_there_are_refused() -> None:
    def reorder(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return images[torch.randperm(len(images))], labels

    with pytest.raises(BrokenContractError, match="of which it holds no pixel"):
        check_targets_follow(reorder, IMAGES, make_task())


def test_a_batch_of_one_image_is_mixed_with_nothing() -> None:
    assert check_targets_follow(mixup(swapped=True), IMAGES[:1], make_task()) == ""
