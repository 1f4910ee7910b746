"""Batches of examples: the same however they are made."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from harness.examples import Examples
from harness.images import open_images
from harness.loader import InOrder, Shuffle
from harness.randomness import same, state
from tests.harness_jobs import labels_of, pixels

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contract import ImageTransform

pytestmark = pytest.mark.torch

LABELS = labels_of(20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "images.npy", pixels(LABELS, channels=3))
    return tmp_path


def examples_of(folder: Path, transform: ImageTransform, *, one_size: bool = True) -> Examples:
    return Examples(open_images(folder, 3), np.arange(5, 20), LABELS, transform, one_size=one_size)


def rare(image: torch.Tensor) -> torch.Tensor:
    """Random once in a million images: no trial would see it, but it draws."""
    return image.float() if torch.rand(()) > 1e-6 else -image.float()


def twice_if_alone(images: torch.Tensor) -> torch.Tensor:
    return images.float() * (2 if images.shape[0] == 1 else 1)


BATCHABLE: dict[str, tuple[ImageTransform, bool]] = {
    "scale": (lambda image: image.float() / 255, True),
    "normalize": (lambda image: (image.float() - torch.ones(3, 1, 1)) / 2, True),
    "pad": (lambda image: torch.nn.functional.pad(image.float(), (2, 2, 2, 2)), True),
    "statistics of the image": (lambda image: image.float() - image.float().mean(), False),
    "flatten": (lambda image: image.float().flatten(), False),
    "channels last": (lambda image: image.permute(1, 2, 0).float(), False),
    "draws": (lambda image: image.float() + torch.rand(()), False),
    "rarely random": (rare, False),
    "asks for the size of its first axis": (twice_if_alone, False),
}


@pytest.mark.parametrize("name", BATCHABLE)
def test_a_transform_is_applied_to_batches_where_that_changes_nothing(name: str, folder: Path) -> None:
    transform, expected = BATCHABLE[name]

    assert expected == examples_of(folder, transform).batched


def test_a_batch_is_the_stack_of_its_images(folder: Path) -> None:
    order = next(iter(InOrder(15, 6)))
    whole, labels = examples_of(folder, lambda image: image.float() / 255).__getitems__(order)
    single, _ = examples_of(folder, lambda image: image.float() / 255, one_size=False).__getitems__(order)

    assert torch.equal(single, whole)
    assert LABELS[5:11].tolist() == labels.tolist()


def test_a_batch_looks_the_same_whatever_was_drawn_before(folder: Path) -> None:
    examples = examples_of(folder, lambda image: image.float() + torch.rand(()))
    order = next(iter(Shuffle(15, 4, 1, itertools.count())))
    first, _ = examples.__getitems__(order)
    torch.rand(7)

    assert torch.equal(first, examples.__getitems__(order)[0])


def test_making_a_batch_leaves_the_generators_as_they_were(folder: Path) -> None:
    examples = examples_of(folder, lambda image: image.float() + torch.rand(()) + np.random.rand())  # noqa: NPY002
    before = state()
    examples.__getitems__(next(iter(InOrder(15, 4))))

    assert same(before, state())


def test_an_epoch_is_every_image_once_but_for_the_last_smaller_batch() -> None:
    drawn = np.concatenate([order.indices for order in Shuffle(10, 4, 1, itertools.count())])

    assert len(set(drawn.tolist())) == 8


def test_a_batch_larger_than_the_data_is_all_of_it() -> None:
    assert [list(range(3))] == [sorted(order.indices.tolist()) for order in Shuffle(3, 8, 1, itertools.count())]


def test_epochs_differ_and_come_again_with_the_seed() -> None:
    orders = Shuffle(50, 10, 1, itertools.count())
    first, second = ([order.indices.tolist() for order in orders] for _ in range(2))

    assert first != second
    assert first == [order.indices.tolist() for order in Shuffle(50, 10, 1, itertools.count())]


def test_images_without_weight_are_never_drawn() -> None:
    orders = Shuffle(50, 10, 1, itertools.count(), torch.arange(50) % 2 * 1.0)

    assert {1} == {index % 2 for order in orders for index in order.indices.tolist()}
