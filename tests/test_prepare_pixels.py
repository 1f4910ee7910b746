"""Every format and mode, made by Pillow, comes out as the plain pixels a person sees."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from harness.prepare.pixels import Plan, bounded, ceiling_of, read_header, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

RAMP = (np.arange(12 * 8 * 3, dtype=np.uint16).reshape(12, 8, 3) * 7 % 256).astype(np.uint8)
"""12 x 8 colours."""
SMOOTH = np.asarray(
    Image.fromarray(np.array([[[250, 30, 30], [30, 250, 30]], [[30, 30, 250], [240, 240, 40]]], np.uint8)).resize(
        (32, 48), Image.Resampling.BICUBIC
    )
)
"""48 x 32 colours that a lossy format changes little."""


def file_of(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def pixels(content: bytes, channels: int = 3, max_side: int = 512) -> NDArray[np.uint8]:
    header = read_header(content)
    stored = store(content, Plan("array", channels, ceiling_of(header.peak), max_side), measure=False).content
    height, width = bounded(header.height, header.width, max_side)
    return np.frombuffer(stored, np.uint8).reshape(channels, height, width)


def kept(content: bytes, max_side: int = 512) -> bytes:
    return store(content, Plan("encoded", 3, 255, max_side), measure=False).content


def format_of(content: bytes) -> str | None:
    return Image.open(io.BytesIO(content)).format


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "lzw"}),
        ("PPM", {}),
    ],
)
def test_lossless_colour_comes_out_exactly(form: str, options: dict[str, Any]) -> None:
    content = file_of(Image.fromarray(RAMP), form, **options)

    np.testing.assert_array_equal(RAMP.transpose(2, 0, 1), pixels(content))
    assert not read_header(content).grey


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_grey_comes_out_exactly(form: str) -> None:
    content = file_of(Image.fromarray(RAMP[:, :, 0]), form)

    np.testing.assert_array_equal(RAMP[np.newaxis, :, :, 0], pixels(content, channels=1))
    assert read_header(content).grey


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("WEBP", "RGB"), ("JPEG", "CMYK"), ("TIFF", "CMYK")])
def test_lossy_and_cmyk_colour_comes_out_closely(form: str, mode: str) -> None:
    content = file_of(Image.fromarray(SMOOTH).convert(mode), form, quality=95)

    difference = pixels(content).astype(int) - SMOOTH.transpose(2, 0, 1)

    assert np.abs(difference).mean() < 6


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_deep_grey_is_scaled_by_the_depth_its_values_need(form: str, bits: int) -> None:
    full = 2**bits - 1
    deep = np.linspace(0, full, 96).astype(np.uint16).reshape(12, 8)
    content = file_of(Image.fromarray(deep), form)

    header = read_header(content)

    assert header.grey
    assert full == header.peak
    np.testing.assert_array_equal(np.rint(deep * (255 / full)), pixels(content, channels=1)[0])


def test_float_images_between_0_and_1_are_scaled_to_255() -> None:
    values = np.linspace(0, 1, 96, dtype=np.float32).reshape(12, 8)
    values[0, 0] = np.nan

    content = file_of(Image.fromarray(values), "TIFF")

    np.testing.assert_array_equal(np.rint(np.nan_to_num(values) * 255), pixels(content, channels=1)[0])


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_white(form: str) -> None:
    rgba = np.dstack([RAMP, np.full((12, 8), 255, np.uint8)])
    rgba[0] = (10, 20, 30, 0)
    content = file_of(Image.fromarray(rgba), form, **({"lossless": True} if form == "WEBP" else {}))

    seen = pixels(content)

    assert (seen[:, 0] == 255).all()
    np.testing.assert_array_equal(RAMP[1:].transpose(2, 0, 1), seen[:, 1:])


def test_grey_with_transparency_stays_grey() -> None:
    content = file_of(Image.fromarray(np.dstack([RAMP[:, :, 0], np.zeros((12, 8), np.uint8)])), "PNG")

    assert read_header(content).grey
    assert (pixels(content, channels=1) == 255).all()


def test_a_palette_with_a_transparent_colour_is_looked_up() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
    image.putpixel((0, 0), 2)
    content = file_of(image, "PNG", transparency=2)

    seen = pixels(content)

    assert seen[:, 0, 0].tolist() == [255, 255, 255]
    assert seen[:, 3, 3].tolist() == [200, 10, 10]
    assert not read_header(content).grey


def test_a_grey_palette_makes_a_grey_image() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 77, 77, 77])
    content = file_of(image, "PNG")

    assert read_header(content).grey
    assert (pixels(content, channels=1) == 77).all()


def test_black_and_white_becomes_0_and_255() -> None:
    content = file_of(Image.fromarray(RAMP[:, :, 0] > 100), "PNG")

    np.testing.assert_array_equal((RAMP[:, :, 0] > 100) * 255, pixels(content, channels=1)[0])


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG", "WEBP"])
def test_of_many_frames_the_first_counts(form: str) -> None:
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}

    content = file_of(frames[0], form, save_all=True, append_images=frames[1:], **options)

    assert pixels(content)[:, 3, 3].tolist() == [255, 0, 0]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photo_comes_out_upright(form: str, orientation: int) -> None:
    """The corner colours prove it; how each orientation is stored is the EXIF standard's table."""
    upright = Image.fromarray(SMOOTH)
    lying = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation

    content = file_of(lying, form, exif=exif, **({} if form == "TIFF" else {"quality": 95}))

    header = read_header(content)
    assert (header.height, header.width) == (48, 32)
    assert np.abs(pixels(content).astype(int) - SMOOTH.transpose(2, 0, 1)).mean() < 6


def test_broken_exif_does_not_cost_the_image() -> None:
    content = file_of(Image.fromarray(SMOOTH), "JPEG", exif=b"Exif\x00\x00nonsense")

    assert pixels(content).shape == (3, 48, 32)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_plain_file_within_the_bound_keeps_its_bytes(form: str, mode: str) -> None:
    content = file_of(Image.fromarray(SMOOTH).convert(mode), form)

    assert content == kept(content)


@pytest.mark.parametrize(
    ("form", "options", "stored"),
    [
        ("JPEG", {}, "JPEG"),
        ("WEBP", {}, "JPEG"),
        ("WEBP", {"lossless": True}, "PNG"),
        ("PNG", {}, "PNG"),
        ("TIFF", {}, "PNG"),
        ("TIFF", {"compression": "jpeg"}, "JPEG"),
        ("GIF", {}, "PNG"),
        ("BMP", {}, "PNG"),
    ],
)
def test_a_large_image_is_scaled_down_once_and_stays_lossy_or_lossless(form: str, options: Any, stored: str) -> None:
    content = kept(file_of(Image.fromarray(SMOOTH), form, **options), max_side=24)

    assert Image.open(io.BytesIO(content)).size == (16, 24)
    assert stored == format_of(content)


def test_a_rotated_large_photo_is_bounded_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(SMOOTH).resize((320, 480)).transpose(Image.Transpose.ROTATE_90)

    content = kept(file_of(lying, "JPEG", exif=exif, quality=95), max_side=48)

    seen = np.asarray(Image.open(io.BytesIO(content)))
    assert seen.shape == (48, 32, 3)
    assert np.abs(seen.astype(int) - SMOOTH).mean() < 6


def test_scaling_down_does_not_alias() -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    content = file_of(Image.fromarray(stripes), "PNG")

    assert np.abs(pixels(content, channels=1, max_side=64).astype(int) - 127).max() <= 2


def test_bounding_keeps_the_aspect_and_at_least_one_pixel() -> None:
    assert bounded(100, 50, 100) == (100, 50)
    assert bounded(100, 50, 50) == (50, 25)
    assert bounded(2, 1000, 10) == (1, 10)


def test_the_histogram_counts_every_pixel() -> None:
    content = file_of(Image.fromarray(RAMP), "PNG")

    histogram = store(content, Plan("array", 3, 255, 512), measure=True).histogram

    assert histogram is not None
    for channel in range(3):
        np.testing.assert_array_equal(np.bincount(RAMP[:, :, channel].ravel(), minlength=256), histogram[channel])
