"""What was measured of a dataset, in sentences: short for the person who prepared it, bounded for the architect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dataset import Facts, Telling

UNEVEN = 1.5
"""The largest class, in smallest ones, from which on classes are not of one size."""
LINES = 10
"""Of findings: all kinds there are, and some properties that tell the class."""


def profile_lines(facts: Facts) -> list[str]:
    """Balance, sizes, colour: what every dataset has."""
    return [*_balance(facts), *_sizes(facts), *_colour(facts), *_uncompared(facts)]


def findings(facts: Facts) -> tuple[str, ...]:
    """What the architect reads beside counts and sizes: nothing of held-back images but their number."""
    lines = [*_balance(facts), *_aspect(facts), *_grey(facts), *lookalike_notes(facts), *telling_notes(facts)]
    return tuple(lines[:LINES])


def lookalike_notes(facts: Facts, *, named: bool = False) -> Iterator[str]:
    """How many held-back images have a near twin; `named`: with a few of their files."""
    found = facts.profile.lookalikes if facts.profile else None
    if found is None or not found.validation + found.test:
        return
    pairs = "; ".join(f"{held} and {known}" for held, known in found.examples)
    yield (
        f"Of {facts.splits['validation'].images} validation images {found.validation}, and of "
        f"{facts.splits['test'].images} test images {found.test}, look nearly the same as a training image, beside "
        f"exact copies: accuracy on them is partly memory.{f' Such as {pairs}.' if named and pairs else ''}"
    )


def telling_notes(facts: Facts) -> Iterator[str]:
    """What is no picture and tells the class all the same."""
    if facts.profile is None:
        return
    yield from map(_telling, facts.profile.telling)
    if columns := ", ".join(repr(name[:60]) for name in facts.profile.columns[:5]):
        more = f" and {len(facts.profile.columns) - 5} more" if len(facts.profile.columns) > 5 else ""
        yield (
            f"Columns of the table that tell the label as well: {columns}{more}. They are not used for training; "
            "if what they say can be seen in pictures (a code, a site's camera), the network may learn that instead."
        )


def _uncompared(facts: Facts) -> Iterator[str]:
    """Of what no near copy was looked for."""
    if facts.profile is None:
        return
    held = facts.splits["validation"].images + facts.splits["test"].images
    if facts.profile.lookalikes is None:
        yield "They are too small to look for near copies."
    elif plain := facts.profile.lookalikes.plain:
        yield f"{plain} of the {held} validation and test images show too little to look for near copies of them."


def _telling(told: Telling) -> str:
    classes = (
        f", and tells {', '.join(repr(name[:40]) for name in told.classes)} from all others" if told.classes else ""
    )
    return (
        f"The {told.property} of the original files alone is right about the class of {told.accuracy:.2f} of the "
        f"training images, the most frequent class of {told.majority:.2f}{classes}: if the classes were collected in "
        "different ways, the network may learn those instead of what is shown."
    )


def _balance(facts: Facts) -> Iterator[str]:
    least, most = min(facts.splits["train"].counts), max(facts.splits["train"].counts)
    if most < UNEVEN * max(least, 1):
        yield f"The classes are about equal: {least} to {most} training images of each."
    else:
        yield (
            f"The classes are uneven: {least} to {most} training images of each, "
            f"the largest {most / max(least, 1):.1f} times the smallest."
        )


def _sizes(facts: Facts) -> Iterator[str]:
    least, median, most = (f"{height}x{width}" for height, width in map(facts.sizes.__getitem__, _RANKS))
    if least == most:
        yield f"All images are of {least} pixels (height x width)."
        return
    stored = f"; scaled down to at most {facts.max_side}" if max(facts.sizes["largest"]) > facts.max_side else ""
    yield f"Images are of {least} to {most} pixels (height x width), {median} in the middle{stored}."
    yield from _aspect(facts)


_RANKS = ("smallest", "median", "largest")


def _aspect(facts: Facts) -> Iterator[str]:
    if facts.profile and facts.profile.aspect[0] != facts.profile.aspect[1]:
        least, most = facts.profile.aspect
        yield f"Width is {least:.2f} to {most:.2f} of the height."


def _colour(facts: Facts) -> Iterator[str]:
    mean, std = (", ".join(f"{value:.3f}" for value in values) for values in (facts.mean, facts.std))
    stored = "grey" if facts.channels == 1 else "colour"
    yield f"They are stored in {stored}: mean {mean}, standard deviation {std} of 0..1."
    yield from _grey(facts)


def _grey(facts: Facts) -> Iterator[str]:
    if facts.profile and facts.profile.grey:
        images = sum(split.images for split in facts.splits.values())
        which = "All images" if facts.profile.grey == images else f"{facts.profile.grey} of the {images} images"
        yield f"{which} are grey, though stored in colour."
