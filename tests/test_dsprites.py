"""dSprites, from a small file of its true form and made from its factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.sources import open_source
from harness.sources.source import SPLITS, UnusableDatasetError
from harness.sources.sprites_made import OF_EACH, draw_sprite
from tests.bad.archives import encrypted
from tests.test_prepare import Prepared

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.source import Source

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
STEPS, OF_STEP = 40, 40


def write(folder: Path, **changed: NDArray[Any]) -> Path:
    """1,600 images that hold their number in binary, but the last step's are those of the first."""
    numbers = np.arange(STEPS * OF_STEP)
    steps = numbers // OF_STEP
    shown = np.where(steps == STEPS - 1, numbers % OF_STEP, numbers)
    imgs = np.zeros((len(numbers), 64, 64), np.uint8)
    imgs[:, 0, :12] = shown[:, None] >> np.arange(12) & 1
    classes = np.zeros((len(numbers), 6), np.int64)
    classes[:, 3], classes[:, 5] = steps, numbers % 32
    arrays: dict[str, Any] = {"metadata": np.array({"title": "dSprites"}, object), "imgs": imgs}
    arrays |= {"latents_values": classes.astype(np.float64), "latents_classes": classes}
    folder.mkdir()
    np.savez_compressed(folder / FILE, allow_pickle=True, **(arrays | changed))
    return folder


def opened(folder: Path, name: str, seed: int = 0) -> Source:
    return open_source(str(folder), scratch=folder.with_name(f"scratch-{seed}"), reader=name, seed=seed)


def number(source: Source, index: int) -> int:
    bits = np.asarray(source.read(index))[0, :12] > 0
    return int(bits @ (1 << np.arange(12)))


def sizes(source: Source) -> list[int]:
    return [int((source.given == code).sum()) for code in range(len(SPLITS))]


def test_the_published_forty_orientations_are_the_classes_and_white_is_white(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "downloads"), "dsprites-orientation")

    assert source.classes[:2] == ("0.0 degrees", "9.2 degrees")
    assert source.classes[-1] == "360.0 degrees"
    assert source.labels.tolist() == [step for step in range(STEPS) for _ in range(OF_STEP)]
    assert [number(source, index) for index in range(1500)] == list(range(1500))
    assert set(np.asarray(source.read(77)).flat) == {0, 255}
    assert sizes(source) == [STEPS * 29, STEPS * 3, STEPS * 8]


def test_vtab_puts_two_or_three_neighbouring_orientations_into_a_class(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "downloads"), "dsprites-orientation-vtab")

    buckets = [int(step // (40 / 16)) for step in range(STEPS)]  # as google-research/task_adaptation groups them
    assert source.labels.tolist() == [bucket for bucket in buckets for _ in range(OF_STEP)]
    assert len(source.classes) == len(set(source.classes)) == 16
    assert source.classes[1] == "27.7 to 36.9 degrees"
    assert sizes(source) == [1280, 160, 160]


def test_vtab_1k_has_a_thousand_images_to_learn_from_and_a_tenth_of_all_to_test(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "downloads"), "dsprites-orientation-vtab1k")

    assert sizes(source) == [800, 200, 160]
    for index in range(0, len(source.labels), 7):
        shown = number(source, index)
        assert source.labels[index] in {shown // OF_STEP * 2 // 5, 15 if shown < OF_STEP else -1}


def test_the_seed_draws_and_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "downloads")

    one, two = (opened(folder, "dsprites-orientation-vtab1k", seed) for seed in (1, 2))
    again = open_source(str(folder), scratch=tmp_path / "again", reader="dsprites-orientation-vtab1k", seed=1)

    assert one.given.tolist() == again.given.tolist() != two.given.tolist()
    assert "drawn at random with seed 2;" in two.description


@pytest.mark.parametrize(
    ("name", "classes", "counts"),
    [
        ("dsprites-orientation", 40, (1160, 120, 320)),
        ("dsprites-orientation-vtab", 16, (1280, 160, 160)),
        ("dsprites-orientation-vtab1k", 16, (800, 200, 160)),
    ],
)
def test_it_is_prepared_though_the_first_and_the_last_class_are_the_same_images(
    tmp_path: Path, name: str, classes: int, counts: tuple[int, int, int]
) -> None:
    prepared = Prepared(tmp_path, str(write(tmp_path / "downloads")), "--reader", name)

    facts = prepared.facts
    assert (len(facts["classes"]), facts["channels"], facts["image_size"]) == (classes, 1, [64, 64])
    assert tuple(facts["splits"][split]["images"] for split in SPLITS) == counts
    assert not (prepared.out / "scratch").exists()


BAD: dict[str, tuple[dict[str, NDArray[Any]], str]] = {
    "another shape": ({"imgs": np.zeros((1600, 32, 32), np.uint8)}, "imgs has the shape (1600, 32, 32) of uint8, not"),
    "fewer images": ({"imgs": np.zeros((9, 64, 64), np.uint8)}, "imgs has the shape (9, 64, 64) of uint8, not (1600, "),
    "another range": (
        {"imgs": np.full((1600, 64, 64), 255, np.uint8)},
        "imgs has the value 255, and 0 and 1 are wanted",
    ),
    "other factors": (
        {"latents_classes": np.zeros((1600, 5), np.int64)},
        "latents_classes has the shape (1600, 5), and",
    ),
    "orientations": ({"latents_classes": np.full((1600, 6), 40)}, "latents_classes has orientations from 40 to 40"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_dsprites_is_one_sentence_that_names_the_file(tmp_path: Path, case: str) -> None:
    changed, why = BAD[case]
    write(tmp_path / "downloads", **changed)

    with pytest.raises(UnusableDatasetError) as caught:
        opened(tmp_path / "downloads", "dsprites-orientation")

    assert str(caught.value).startswith(f"'{FILE}' is no whole dSprites ({why}")
    assert str(caught.value).endswith("): get it again.")


@pytest.mark.parametrize("kept", [0, 1000, -3000])
def test_a_file_cut_off_is_one_sentence(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "downloads") / FILE
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(UnusableDatasetError, match=rf"^'{FILE}' is no whole dSprites \(.*\): get it again\.$"):
        opened(tmp_path / "downloads", "dsprites-orientation")


def test_an_encrypted_file_is_one_sentence(tmp_path: Path) -> None:
    encrypted(write(tmp_path / "downloads") / FILE)

    said = rf"^'{FILE}' is no whole dSprites \(.*encrypted.*\): get it again\.$"
    with pytest.raises(UnusableDatasetError, match=said):
        opened(tmp_path / "downloads", "dsprites-orientation")


def test_made_sprites_are_black_and_white_whole_and_turn_with_their_class() -> None:
    source = open_source("dsprites-orientation-made", seed=3)

    assert len(source.labels) == STEPS * OF_EACH
    assert "not the published file" in source.description
    for index in range(0, len(source.labels), 997):
        image = np.asarray(source.read(index))
        assert image.shape == (64, 64)
        assert set(image.flat) == {0, 255}
        assert not image[[0, -1]].any()
        assert not image[:, [0, -1]].any()


def test_a_made_sprite_after_a_full_turn_is_the_same_and_after_half_a_turn_is_upside_down() -> None:
    heart, full, half = (draw_sprite(2, 1.0, angle) for angle in (0, 2 * np.pi, np.pi))

    np.testing.assert_array_equal(heart, full)
    assert (heart[::-1, ::-1] != half).sum() < 0.1 * (heart > 0).sum()
    assert (heart != half).sum() > 0.3 * (heart > 0).sum()


def test_the_seed_draws_other_made_sprites() -> None:
    one, same, other = (open_source("dsprites-orientation-made", seed=seed) for seed in (1, 1, 2))

    shown = [[np.asarray(source.read(index)).tobytes() for index in range(20)] for source in (one, same, other)]
    assert shown[0] == shown[1] != shown[2]


def test_made_sprites_are_prepared_by_name(tmp_path: Path) -> None:
    facts = Prepared(tmp_path, "dsprites-orientation-made").facts

    assert {split: facts["splits"][split]["images"] for split in SPLITS} == {
        "train": 28800,
        "validation": 3200,
        "test": 8000,
    }
