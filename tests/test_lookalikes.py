"""Near copies across splits: which are found, which are not taken for any, and that few pairs are compared."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from harness.images import planes
from harness.prepare.lookalikes import CROWD, LOOKED, Looks, find_twins, is_telling, neighbours, signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from harness.prepare.lookalikes import Twins


def scene(seed: int, side: int = 160) -> Image.Image:
    """Something with as much detail as a photo: blots of colour of many sizes."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (side, side))
    for size in (3, 7, 17, 60):
        blots = Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
        picture = Image.blend(picture, blots.resize((side, side), Image.Resampling.BICUBIC), 0.5)
    return picture


def again(picture: Image.Image, quality: int = 30) -> Image.Image:
    """What a JPEG of it shows."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


@dataclass
class Pictures:
    """A split in memory that knows which of its images were asked for."""

    pictures: Sequence[Image.Image]
    asked: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pictures)

    def image(self, index: int) -> NDArray[np.uint8]:
        self.asked.append(index)
        return planes(self.pictures[index])

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        raise NotImplementedError


def signed(picture: Image.Image) -> int:
    return signature(picture, np.asarray(picture))


def looks(pictures: Sequence[Image.Image]) -> Looks:
    return Looks(np.array([signed(each) for each in pictures], np.uint64), Pictures(pictures))


def twins(held: Sequence[Image.Image], train: Sequence[Image.Image]) -> Twins:
    return find_twins(looks(held), looks(train), np.zeros(len(held), np.bool_))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": again,
    "half as large": lambda picture: picture.resize((80, 80)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_most_pictures_that_were_worked_on_are_found_again(change: str) -> None:
    train = [scene(seed) for seed in range(40)]

    found = twins([CHANGES[change](picture) for picture in train], train)

    assert 34 <= found.count <= 40
    assert all(held == known for held, known in found.pairs)


def test_different_pictures_are_no_twins() -> None:
    assert twins([scene(seed) for seed in range(300, 400)], [scene(seed) for seed in range(300)]).count == 0


def test_pictures_whose_signatures_meet_by_chance_are_told_apart_by_their_pixels() -> None:
    train, other = looks([scene(1)]), looks([scene(2)])
    held = Looks(train.signatures, other.images)

    assert find_twins(held, train, np.zeros(1, np.bool_)).count == 0


def test_lone_symbols_and_flat_grounds_are_not_compared() -> None:
    def sprite(left: int, top: int) -> Image.Image:
        picture = Image.new("L", (64, 64))
        ImageDraw.Draw(picture).rectangle((left, top, left + 12, top + 9), fill=255)
        return picture

    sprites = [sprite(left, top) for left in range(4, 44, 4) for top in range(4, 44, 4)]
    flat = [Image.new("RGB", (64, 64), (value, value, value)) for value in range(9)]

    assert not is_telling(looks([*sprites, *flat]).signatures).any()
    assert twins(sprites[::2], sprites[1::2]).count == 0


def test_images_smaller_than_32_pixels_have_no_signature() -> None:
    assert signed(scene(1, side=31)) == 0
    assert signed(scene(1, side=32)) != 0


def test_exact_copies_are_left_to_others() -> None:
    train = [scene(seed) for seed in range(5)]

    found = find_twins(looks(train[:2]), looks(train), np.array([True, False]))

    assert found.pairs == [(1, 1)]


def test_signatures_up_to_three_bits_apart_are_found_wherever_the_bits_are() -> None:
    rng = np.random.default_rng(0)
    known = rng.integers(0, 1 << 63, 5000, dtype=np.uint64) * np.uint64(2)
    known = known[is_telling(known)]
    flips = [sum(1 << int(bit) for bit in rng.choice(64, 3, replace=False)) for _ in range(200)]
    asked = known[:200] ^ np.array(flips, np.uint64)
    brute = {
        int(each): sorted(other for other in known.tolist() if (int(each) ^ other).bit_count() <= 3)
        for each in asked[is_telling(asked)]
    }

    found = neighbours(asked, known)

    assert {key: sorted(values) for key, values in found.items()} == brute


def test_a_quarter_that_a_crowd_shares_is_passed_over() -> None:
    rng = np.random.default_rng(0)
    crowd = rng.integers(0, 1 << 48, CROWD + 1, dtype=np.uint64) | np.uint64(0x0F0F << 48)
    crowd = np.unique(crowd[is_telling(crowd)])[:CROWD]
    lone = np.array([int(crowd[0]) ^ 0b111], np.uint64)
    spread = np.array([int(crowd[0]) ^ (1 << 40 | 1 << 20 | 1)], np.uint64)

    assert int(crowd[0]) in neighbours(spread, crowd)[int(spread[0])]
    larger = np.append(crowd, rng.integers(0, 1 << 48, 99, dtype=np.uint64) | np.uint64(0x0F0F << 48))
    assert int(crowd[0]) in neighbours(lone, larger)[int(lone[0])]
    assert int(spread[0]) not in neighbours(spread, larger)


def test_of_many_candidates_a_sample_stands_for_all() -> None:
    train, copy = looks([scene(1)]), again(scene(1))
    pictures = Pictures([copy if number % 3 else scene(2) for number in range(2 * LOOKED)])
    held = Looks(np.full(2 * LOOKED, signed(scene(1)), np.uint64), pictures)

    found = find_twins(held, train, np.zeros(2 * LOOKED, np.bool_))

    assert len(pictures.asked) == LOOKED
    assert found.count == pytest.approx(LOOKED * 4 / 3, rel=0.1)
