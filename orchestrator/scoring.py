"""Logits and hidden labels to a score: the only place where a number about accuracy is made.

Logits come from a container and are trusted only to be bytes: exact length, finite, float32, or there is no score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution: two-sided 95 % intervals."""
BINS = 15
"""Equal-width confidence bins of the calibration error, as in Guo et al. 2017."""


class InvalidLogitsError(ValueError):
    """Raised when a file of logits has the wrong length or holds a number that is not finite."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good logits are, on one split."""

    images: int
    accuracy: float
    interval: tuple[float, float]
    """95 %, after Wilson 1927: honest near 1 and for few images."""
    macro_f1: float
    """Mean over the classes of the harmonic mean of precision and recall; a class never seen nor predicted counts 0."""
    log_loss: float
    """Mean negative log-likelihood in nats."""
    calibration_error: float
    """Expected calibration error over 15 bins, 0..1."""
    per_class: tuple[float, ...]
    """Recall of each class; 0 where a class has no image."""
    confusion: tuple[tuple[int, ...], ...]
    """confusion[truth][prediction], in images."""
    right: str = ""
    """Which images are right: one bit for each, in hex; see `right_images`. Empty in runs of older versions."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The images of which a network is about equally sure: is it right about them as often as it says?"""

    images: int
    confidence: float
    """In the mean."""
    accuracy: float


def read_logits(path: Path, images: int, classes: int) -> NDArray[np.float32]:
    """Read raw little-endian float32 logits, (images, classes).

    Raises:
        InvalidLogitsError: the length is not exactly that, or a value is not finite.
    """
    expected = images * classes * 4
    if not path.exists():
        raise InvalidLogitsError("There are no logits.")
    size = path.stat().st_size
    if size != expected:
        raise InvalidLogitsError(
            f"The logits are {size} bytes, not the {expected} of {images} images x {classes} classes."
        )
    logits = np.fromfile(path, dtype="<f4").reshape(images, classes)
    if not np.isfinite(logits).all():
        raise InvalidLogitsError("The logits hold values that are not finite.")
    return logits


def write_logits(path: Path, logits: NDArray[np.float32]) -> None:
    """Write logits (N, K) as `read_logits` reads them, in place of what was there."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(logits.astype("<f4").tobytes())
    partial.replace(path)


def score(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Score:
    """Score logits (N, K) against labels (N,)."""
    images, classes = logits.shape
    predicted = logits.argmax(axis=1)
    correct = int((predicted == labels).sum())
    confusion = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    probabilities = softmax(logits)
    likelihood = np.maximum(probabilities[np.arange(images), labels], np.finfo(np.float64).tiny)
    return Score(
        images=images,
        accuracy=correct / images,
        interval=wilson(correct, images),
        macro_f1=_macro_f1(confusion),
        log_loss=float(-np.log(likelihood).mean()),
        calibration_error=_calibration_error(probabilities, predicted == labels),
        per_class=tuple((confusion.diagonal() / np.maximum(confusion.sum(axis=1), 1)).tolist()),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        right=np.packbits(predicted == labels).tobytes().hex(),
    )


def reliability(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> list[Bin]:
    """The bins of the calibration error that hold an image, of logits (N, K) and labels (N,)."""
    probabilities = softmax(logits)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = _bins(confidence)
    members = [places == place for place in range(BINS)]
    return [
        Bin(images=int(held.sum()), confidence=float(confidence[held].mean()), accuracy=float(right[held].mean()))
        for held in members
        if held.any()
    ]


def right_images(of: Score) -> NDArray[np.bool_]:
    """Which images of its split a score counts as right, (N,)."""
    bits = np.frombuffer(bytes.fromhex(of.right), dtype=np.uint8)
    return np.unpackbits(bits, count=of.images).astype(np.bool_)


def wilson(correct: int, images: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    share = correct / images
    centre = share + Z * Z / (2 * images)
    half = Z * math.sqrt(share * (1 - share) / images + Z * Z / (4 * images * images))
    scale = 1 + Z * Z / images
    # At 0 and 1 the ends meet the share but for rounding.
    return max(0.0, min(share, (centre - half) / scale)), min(1.0, max(share, (centre + half) / scale))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (N, K) of logits (N, K)."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def majority_accuracy(counts: Sequence[int]) -> float:
    """What always naming the most frequent class would get, on a split with these counts."""
    return max(counts) / sum(counts)


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    hits = confusion.diagonal()
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * hits / np.maximum(total, 1)).mean())


def _calibration_error(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    confidence = probabilities.max(axis=1)
    gaps = np.bincount(_bins(confidence), weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each confidence, (N,)."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
