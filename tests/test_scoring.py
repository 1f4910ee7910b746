"""Scores are right, and logits that are not exactly logits are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scoring import (
    InvalidLogitsError,
    majority_accuracy,
    read_logits,
    reliability,
    right_images,
    score,
    softmax,
    wilson,
)

if TYPE_CHECKING:
    from pathlib import Path

LOGITS = np.array([[4, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 2])


def test_accuracy_confusion_and_recall_of_a_hand_made_case() -> None:
    judged = score(LOGITS, LABELS)

    assert judged.accuracy == 0.75
    assert judged.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    assert judged.per_class == (1.0, 0.5, 1.0)


def test_a_score_knows_which_images_are_right() -> None:
    assert right_images(score(LOGITS, LABELS)).tolist() == [True, False, True, True]


def test_macro_f1_is_the_mean_of_the_classes_f1() -> None:
    assert pytest.approx((2 / 3 + 2 / 3 + 1) / 3) == score(LOGITS, LABELS).macro_f1


def test_log_loss_is_the_mean_negative_log_probability_of_the_truth() -> None:
    probabilities = softmax(LOGITS)

    expected = -np.mean([np.log(probabilities[row, label]) for row, label in enumerate(LABELS)])

    assert pytest.approx(expected) == score(LOGITS, LABELS).log_loss


def test_log_loss_of_certain_and_wrong_is_finite() -> None:
    certain = np.array([[1e30, -1e30], [1e30, -1e30]], dtype=np.float32)

    assert np.isfinite(score(certain, np.array([1, 0])).log_loss)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    logits = np.log(np.array([[0.8, 0.2]] * 10, dtype=np.float32))
    labels = np.array([0] * 5 + [1] * 5)

    assert pytest.approx(0.3) == score(logits, labels).calibration_error


def test_the_bins_of_a_reliability_diagram_hold_every_image_and_give_the_calibration_error() -> None:
    chance = np.random.default_rng(0)
    logits, labels = chance.normal(0, 2, (500, 4)).astype(np.float32), chance.integers(0, 4, 500)
    bins = reliability(logits, labels)
    gap = sum(each.images * abs(each.confidence - each.accuracy) for each in bins) / 500

    assert sum(each.images for each in bins) == 500
    assert pytest.approx(gap) == score(logits, labels).calibration_error


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(images: int, share: float) -> None:
    correct = round(share * images)

    low, high = wilson(correct, images)

    assert 0 <= low <= correct / images <= high <= 1


def test_the_interval_of_a_perfect_score_is_not_a_point() -> None:
    assert pytest.approx((0.9894, 1.0), abs=1e-4) == wilson(360, 360)


def test_majority_accuracy() -> None:
    assert majority_accuracy((1, 5, 4)) == 0.5


def test_logits_come_back_as_written(tmp_path: Path) -> None:
    (tmp_path / "logits.f32").write_bytes(LOGITS.tobytes())

    assert np.array_equal(LOGITS, read_logits(tmp_path / "logits.f32", 4, 3))


@pytest.mark.parametrize("extra", [-1, 1, 4])
def test_logits_of_another_length_are_refused(tmp_path: Path, extra: int) -> None:
    data = LOGITS.tobytes() + bytes(4)
    (tmp_path / "logits.f32").write_bytes(data[: LOGITS.nbytes + extra])

    with pytest.raises(InvalidLogitsError, match="48"):
        read_logits(tmp_path / "logits.f32", 4, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    logits = LOGITS.copy()
    logits[2, 1] = value
    (tmp_path / "logits.f32").write_bytes(logits.tobytes())

    with pytest.raises(InvalidLogitsError, match="finite"):
        read_logits(tmp_path / "logits.f32", 4, 3)
