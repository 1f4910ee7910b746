"""Reading a prepared split back."""

from __future__ import annotations

import io
import multiprocessing
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from harness.images import SMALL, open_images

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.images import Images

RANDOM = np.random.default_rng(0)


def array_split(folder: Path, channels: int) -> NDArray[np.uint8]:
    pixels = RANDOM.integers(0, 256, (6, channels, 4, 5), dtype=np.uint8)
    np.save(folder / "images.npy", pixels)
    return pixels


def encoded_split(folder: Path, pictures: list[NDArray[np.uint8]]) -> None:
    files = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        files.append(file.getvalue())
    (folder / "images.bin").write_bytes(b"".join(files))
    np.save(folder / "offsets.npy", np.cumsum([0, *map(len, files)]))


def test_the_array_form_comes_back_as_it_was(tmp_path: Path) -> None:
    pixels = array_split(tmp_path, 3)
    images = open_images(tmp_path, 3)

    assert len(images) == 6
    np.testing.assert_array_equal(pixels[2], images.image(2))
    np.testing.assert_array_equal(pixels[[5, 0, 0]], images.batch([5, 0, 0]))
    np.testing.assert_array_equal(pixels[[1, 3]], images.batch(np.array([1, 3])))


def test_a_large_array_comes_back_as_it_was(tmp_path: Path) -> None:
    """Sparse: a disk holds what was written."""
    count = SMALL // (3 * 32 * 32) + 3
    pixels = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (count, 3, 32, 32))
    pixels[[0, 7, -1]] = RANDOM.integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    images = open_images(tmp_path, 3)

    np.testing.assert_array_equal(pixels[7], images.image(7))
    np.testing.assert_array_equal(pixels[[count - 1, 0, 7, 7, -1]], images.batch([count - 1, 0, 7, 7, -1]))
    assert images.batch([7]).flags.writeable
    with pytest.raises(IndexError):
        images.batch([count])


def test_the_encoded_form_comes_back_with_every_image_in_its_size(tmp_path: Path) -> None:
    pictures = [RANDOM.integers(0, 256, (height, 7, 3), dtype=np.uint8) for height in (3, 9)]
    encoded_split(tmp_path, pictures)
    images = open_images(tmp_path, 3)

    assert len(images) == 2
    for index, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture.transpose(2, 0, 1), images.image(index))
    np.testing.assert_array_equal(images.image(1), images.image(-1))
    with pytest.raises(IndexError):
        images.image(2)


def test_images_of_unlike_sizes_make_no_batch(tmp_path: Path) -> None:
    encoded_split(tmp_path, [np.zeros((3, 3), np.uint8), np.zeros((4, 4), np.uint8)])

    with pytest.raises(ValueError, match="same shape"):
        open_images(tmp_path, 1).batch([0, 1])


def test_grey_images_come_out_in_colour_where_that_is_asked(tmp_path: Path) -> None:
    grey = RANDOM.integers(0, 256, (4, 4), dtype=np.uint8)
    encoded_split(tmp_path, [grey])

    np.testing.assert_array_equal(np.stack([grey] * 3), open_images(tmp_path, 3).image(0))


def test_an_array_of_grey_images_comes_out_in_colour_where_that_is_asked(tmp_path: Path) -> None:
    pixels = array_split(tmp_path, 1)

    np.testing.assert_array_equal(np.repeat(pixels, 3, axis=1), open_images(tmp_path, 3).batch(range(6)))


def test_an_array_of_colour_images_comes_out_grey_where_that_is_asked(tmp_path: Path) -> None:
    pixels = array_split(tmp_path, 3)

    luma = np.tensordot(pixels, [0.299, 0.587, 0.114], axes=(1, 0))[:, np.newaxis]
    np.testing.assert_allclose(open_images(tmp_path, 1).batch(range(6)), luma, atol=1)


@pytest.mark.parametrize("form", ["array", "encoded"])
def test_images_survive_pickling_and_forking_after_use(tmp_path: Path, form: str) -> None:
    if form == "array":
        array_split(tmp_path, 1)
    else:
        encoded_split(tmp_path, [RANDOM.integers(0, 256, (4, 5), dtype=np.uint8) for _ in range(6)])
    images = open_images(tmp_path, 1)
    expected = images.batch(range(6))

    pickled = pickle.dumps(images)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(expected, pickle.loads(pickled).batch(range(6)))  # noqa: S301 - made above
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for index, image in enumerate(pool.map(images.image, range(6))):
            np.testing.assert_array_equal(expected[index], image)


def test_a_folder_of_neither_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither images.npy nor images.bin"):
        open_images(tmp_path, 1)


def test_an_image_may_be_written_to(tmp_path: Path) -> None:
    array_split(tmp_path, 1)
    images: Images = open_images(tmp_path, 1)

    images.image(0)[...] = 0

    assert images.image(0).any()
