"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of one run of the benchmark."""

    attempts: int
    """Cold and warm attempts in each sandbox, and floors."""
    images: int
    """32 x 32 images to train on."""
    stretches: int
    """Stretches of steps, on a resident batch and on the harness's batches each."""
    photos: int
    passes: int
    """Over the photos, by each loader."""
    files: tuple[int, int]
    """Image files to prepare: few, and ten times as many."""
    starts: int
    """Of `automodel --help`, and of what was prepared before."""
    million: int
    """Image files to prepare, and mapped images of an epoch."""
    mixed_photos: int
    rounds: int
    """Of decoding and preparing those."""
    unchanged: int
    """Image files that are prepared already."""
    runs: int
    """Simulated ones, by each rule of selection."""


FULL = Sizes(
    attempts=7,
    images=10_000,
    stretches=7,
    photos=1_000,
    passes=3,
    files=(10_000, 100_000),
    starts=10,
    million=1_000_000,
    mixed_photos=20_000,
    rounds=2,
    unchanged=20_000,
    runs=200,
)
QUICK = Sizes(
    attempts=1,
    images=1_000,
    stretches=2,
    photos=120,
    passes=2,
    files=(500, 5_000),
    starts=3,
    million=20_000,
    mixed_photos=300,
    rounds=1,
    unchanged=500,
    runs=4,
)
