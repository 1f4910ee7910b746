"""Held-back images that are nearly, not exactly, a training image: resized, compressed again, made brighter.

An image's signature is its dHash: 64 bits, whether each of 8 x 8 grey cells is brighter than its right neighbour
(hackerfactor.com, "Kind of Like That", 2013). Signatures up to 3 bits apart share one of their four quarters, so only
those are compared that do; of pairs found the pixels are compared, 32 x 32 of each. Not covered: twins that are
cropped, turned or mirrored; images smaller than 32 pixels, where different things look alike (shirts of 28 x 28); plain
images, whose signatures are chance.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness.prepare.copies import among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.images import Images
    from harness.prepare.copies import Digests

SIDE = 32
"""Pixels, of the shorter side of the smallest image that has a signature."""
PLAIN = 12
"""Bits of a signature that are set, or are not, at the least: flat grounds and lone symbols have fewer."""
APART = 3
"""Bits by which two signatures of one picture differ at the most; quarters find no more."""
CROWD = 1024
"""Signatures that share a quarter, beyond which it is no fingerprint (a white sky) and the other three have to do."""
LOOKED = 500
"""Images of a split whose pixels are compared; of more candidates, these stand for all."""
TWINS = 4
"""Training images that each of them is compared with."""
ALIKE = 0.99
"""Correlation of pixels: above it after JPEG at quality 20; by chance for 2 to 6 in 1,000 shirts of Fashion-MNIST."""
EXAMPLES = 3
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, kw_only=True)
class Lookalikes:
    """How many held-back images have a near twin in train, beside exact copies."""

    validation: int
    test: int
    plain: int
    """Held-back images that show too little for a signature, so that nothing is known of them."""
    examples: list[tuple[str, str]] = field(default_factory=list)
    """File of a held-back image, and of its twin."""


def signature(image: Image.Image, pixels: NDArray[np.uint8]) -> int:
    """The dHash of an image of mode L or RGB, with its pixels as they come; 0, never compared, for a small one."""
    if min(image.size) < SIDE:
        return 0
    step = min(image.size) // (2 * SIDE)
    seen = (np.asarray(image.reduce(step)) if step > 1 else pixels).astype(np.float32)
    height, width = seen.shape[:2]
    grey = seen if seen.ndim == 2 else seen @ LUMA
    cells = np.rint(_cells(height, 8) @ grey @ _cells(width, 9).T)  # of a flat ground all are the same
    return int.from_bytes(np.packbits(cells[:, :-1] > cells[:, 1:]).tobytes(), "big")


@lru_cache(256)
def _cells(length: int, count: int) -> NDArray[np.float32]:
    """(count, length): what each pixel of a line adds to the mean of each of so many equal parts.

    Pillow's BOX takes whole pixels only: of pictures and their halves it makes the same signature for one in five.
    """
    edges, pixel = np.linspace(0, length, count + 1)[:, np.newaxis], np.arange(length)
    shares = np.maximum(np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel), 0)
    return np.asarray(shares * (count / length), np.float32)


def is_telling(signatures: Digests) -> NDArray[np.bool_]:
    """Which of them are of images with enough detail."""
    bits = np.bitwise_count(signatures)
    told: NDArray[np.bool_] = (bits >= PLAIN) & (bits <= 64 - PLAIN)
    return told


def neighbours(asked: Digests, known: Digests) -> dict[int, list[int]]:
    """For each signature that has some, the known ones up to 3 bits apart, the nearest first."""
    found: dict[int, set[int]] = {}
    for each, close in _close(asked, known):
        found.setdefault(each, set()).update(close.tolist())
    return {key: sorted(values, key=lambda value: ((key ^ value).bit_count(), value)) for key, values in found.items()}


def _close(asked: Digests, known: Digests) -> Iterator[tuple[int, Digests]]:
    """Signatures that are asked for, with known ones up to 3 bits apart that share a quarter; once for each quarter."""
    asked, known = _distinct(asked), _distinct(known)
    for turn in range(0, 64, 16):
        known.sort()
        low = np.searchsorted(known, asked & ~_LOWER)
        high = np.searchsorted(known, asked | _LOWER, side="right")
        some = (high > low) & (high - low <= CROWD)
        for each, first, last in zip(asked[some], low[some], high[some], strict=True):
            block = known[first:last]
            close = block[np.bitwise_count(block ^ each) <= APART]
            if close.size:
                yield int(_turned(each, 64 - turn)), _turned(close, 64 - turn)
        _turn(asked)
        _turn(known)


_LOWER = np.uint64((1 << 48) - 1)


def _turned(signatures: Digests, bits: int) -> Digests:
    return signatures << np.uint64(bits) | signatures >> np.uint64(64 - bits)


def _turn(signatures: Digests) -> None:
    """By a quarter, in place."""
    upper = signatures >> np.uint64(48)
    signatures <<= np.uint64(16)
    signatures |= upper


def _distinct(signatures: Digests) -> Digests:
    ordered = signatures[is_telling(signatures)]
    ordered.sort()
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


@dataclass(frozen=True)
class Looks:
    """A split, as far as it is compared."""

    signatures: Digests
    images: Images


@dataclass(frozen=True)
class Twins:
    """What was found in one held-back split."""

    count: int
    pairs: list[tuple[int, int]]
    """Some of them: position in the split, position in train."""


def find_twins(held: Looks, train: Looks, copies: NDArray[np.bool_]) -> Twins:
    """Held-back images that a training image is nearly the same as; `copies` (N,): those that are exact, left out."""
    found = array("Q", (each for each, _ in _close(held.signatures[~copies], train.signatures)))
    keys = np.unique(np.asarray(found))
    candidates = np.flatnonzero(among(held.signatures, keys) & ~copies)
    if not candidates.size:
        return Twins(0, [])
    chosen = candidates[np.linspace(0, len(candidates) - 1, min(LOOKED, len(candidates))).astype(int)]
    near = neighbours(held.signatures[chosen], train.signatures)
    pairs = []
    for index in chosen.tolist():
        seen = _small(held.images, index)
        there = _positions(near[int(held.signatures[index])], train.signatures)
        twin = next((place for place in there if _correlation(seen, _small(train.images, place)) >= ALIKE), None)
        pairs += [] if twin is None else [(index, twin)]
    return Twins(round(len(candidates) * len(pairs) / len(chosen)), pairs[:EXAMPLES])


def _positions(wanted: list[int], signatures: Digests) -> Iterator[int]:
    """Where these signatures are, the first of them before: at most four places."""
    left = TWINS
    for each in wanted[:TWINS]:
        places = np.flatnonzero(signatures == np.uint64(each))[:left].tolist()
        left -= len(places)
        yield from places


def _small(images: Images, index: int) -> NDArray[np.float64]:
    pixels = images.image(index)
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).convert("L")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.HAMMING), np.float64)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of pixels; 0 where one is flat."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale else 0.0
