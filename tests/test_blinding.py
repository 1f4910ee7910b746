"""Images in a secret order, canaries and a decoy: an honest pipeline passes, whoever knows labels is caught."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestrator.blinding import CANARIES, LEVEL, SPLITS, Blinding, chance, draw, present
from tests.fakes import LABELS, make_dataset, noise, perfect_logits, seen

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def blinding(tmp_path: Path) -> Blinding:
    run = tmp_path / "run"
    run.mkdir()
    return Blinding(make_dataset(tmp_path / "dataset"), run)


def logits(classes: NDArray[np.int64] | list[int]) -> NDArray[np.float32]:
    return np.frombuffer(perfect_logits([int(number) for number in classes]), dtype="<f4").reshape(-1, 3)


def test_every_image_is_shown_and_64_are_shown_twice(blinding: Blinding) -> None:
    blind = blinding.split("validation")

    assert seen(blind.folder) == blind.order.tolist()
    assert sorted(blind.order[~blind.canaries].tolist()) == [0, 1, 2, 3]
    assert blind.canaries.sum() == CANARIES
    assert blind.rows == 4 + CANARIES


def test_logits_come_back_in_the_order_of_the_split(blinding: Blinding) -> None:
    blind = blinding.split("test")
    true = np.array(LABELS["test"])

    assert np.array_equal(logits(true), blind.unblind(logits(true[blind.order])))


def test_who_predicts_from_pixels_is_not_suspected(blinding: Blinding) -> None:
    for name in SPLITS:
        blind = blinding.split(name)
        for answers in (np.array(LABELS[name])[blind.order], np.zeros(blind.rows, dtype=np.int64)):
            assert blind.suspicion(logits(answers)) == ""


def test_who_knows_what_the_scorer_holds_is_caught(blinding: Blinding) -> None:
    blind = blinding.split("validation")

    assert "only the scorer has" in blind.suspicion(logits(blind.labels))


def test_who_reads_the_bait_is_caught(blinding: Blinding) -> None:
    blind = blinding.split("validation")
    bait = np.load(blinding.decoys() / "validation.npy", allow_pickle=False)

    assert "bait" in blind.suspicion(logits(bait))


def test_a_run_that_goes_on_presents_the_same_again(blinding: Blinding, tmp_path: Path) -> None:
    before, bait = blinding.split("validation"), (blinding.decoys() / "validation.npy").read_bytes()
    blinding.clear()

    again = Blinding(blinding.dataset, tmp_path / "run")

    assert np.array_equal(before.order, again.split("validation").order)
    assert bait == (again.decoys() / "validation.npy").read_bytes()
    assert seen(again.split("validation").folder) == before.order.tolist()


def test_no_two_runs_have_one_order(blinding: Blinding, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    other = Blinding(blinding.dataset, tmp_path / "other")

    assert not np.array_equal(other.split("test").order, blinding.split("test").order)


def test_the_secret_is_closed_and_the_images_are_open(blinding: Blinding, tmp_path: Path) -> None:
    images = blinding.split("validation").folder

    assert (tmp_path / "run" / "secret").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o004 for path in (images, *images.iterdir()))


@pytest.mark.torch
def test_the_harness_reads_what_is_presented(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    images = pytest.importorskip("harness.images")
    order = draw(20, 3, np.random.default_rng(7))["order"]
    (tmp_path / "array").mkdir()
    np.save(tmp_path / "array" / images.ARRAY, noise(20))
    (tmp_path / "encoded").mkdir()
    files = [io.BytesIO() for _ in range(20)]
    for file, pixels in zip(files, noise(20), strict=True):
        image.fromarray(pixels[0]).save(file, "PNG")
    sizes = [len(file.getvalue()) for file in files]
    np.save(tmp_path / "encoded" / images.OFFSETS, np.cumsum([0, *sizes]))
    (tmp_path / "encoded" / images.ENCODED).write_bytes(b"".join(file.getvalue() for file in files))

    for form in ("array", "encoded"):
        (tmp_path / f"{form}-shown").mkdir()
        present(tmp_path / form, order, tmp_path / f"{form}-shown")
        shown = images.open_images(tmp_path / f"{form}-shown", 1)
        assert len(shown) == len(order)
        assert np.array_equal(noise(20)[order], shown.batch(range(len(order))))


@pytest.mark.parametrize(("hits", "trials", "classes", "expected"), [(21, 64, 10, 6e-7), (92, 128, 2, 4e-7)])
def test_chance_is_the_binomial_tail(hits: int, trials: int, classes: int, expected: float) -> None:
    assert chance(hits, trials, 1 / classes) == pytest.approx(expected, rel=0.2)
    assert chance(trials, trials, 1 / classes) == pytest.approx(classes**-trials, rel=1e-9)
    assert chance(1, trials, 1 / classes) == 1.0


def test_many_honest_pipelines_are_suspected_no_more_often_than_said() -> None:
    random = np.random.default_rng(0)
    hits = random.binomial(10_064, 0.1, size=100_000)

    assert sum(chance(int(count), 10_064, 0.1) < 100 * LEVEL for count in hits) < 30  # 10 are expected


def test_a_run_killed_while_it_presents_begins_again(blinding: Blinding, tmp_path: Path) -> None:
    half = tmp_path / "run" / "presented" / ".validation-new"
    half.mkdir(parents=True)
    (half / "images.npy").write_bytes(b"half")

    assert len(seen(blinding.split("validation").folder)) == 4 + CANARIES
    assert [path.name for path in half.parent.iterdir()] == ["validation"]
