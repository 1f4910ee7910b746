"""What was noticed of a dataset while it was prepared: for people, for the architect, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.images import open_images
from harness.prepare.copies import among
from harness.prepare.lookalikes import EXAMPLES, SIDE, Lookalikes, Looks, find_twins, is_telling
from harness.sources.leaks import Tabular
from harness.sources.source import SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.prepare.properties import Telling
    from harness.prepare.splits import Division
    from harness.prepare.survey import Survey
    from harness.prepare.writing import Tally
    from harness.sources.source import Source


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Part of `dataset.json`."""

    aspect: tuple[float, float]
    """Width / height of the originals: the least and the greatest."""
    grey: int
    """Images without any colour among those of a colour dataset; 0 for a grey one."""
    lookalikes: Lookalikes | None
    """None where images are too small to look for any."""
    telling: list[Telling]
    """Properties of files that tell the class."""
    columns: list[str]
    """Of a table, which tell the label."""


def make_profile(  # noqa: PLR0913 - everything that was seen, once
    source: Source, division: Division, seen: Survey, tallies: Mapping[str, Tally], out: Path, *, telling: list[Telling]
) -> Profile:
    """Put together what survey and tallies say, and compare the images as they were written."""
    ratios = [width / height for height, width in seen.sizes]
    return Profile(
        aspect=(round(min(ratios), 3), round(max(ratios), 3)),
        grey=sum(tallies[split].grey for split in SPLITS),
        lookalikes=_lookalikes(source, division, seen, tallies, out),
        telling=telling,
        columns=list(source.telling_columns) if isinstance(source, Tabular) else [],
    )


def _lookalikes(
    source: Source, division: Division, seen: Survey, tallies: Mapping[str, Tally], out: Path
) -> Lookalikes | None:
    if seen.image_size and min(seen.image_size) < SIDE:
        return None
    channels = seen.plan.channels
    looks = {split: Looks(tallies[split].signatures, open_images(out / split, channels)) for split in SPLITS}
    held = ("validation", "test")
    learnt = np.sort(tallies["train"].digests)
    copies = {split: among(tallies[split].digests, learnt) for split in held}
    del learnt
    twins = {split: find_twins(looks[split], looks["train"], copies[split]) for split in held}
    names = [
        (source.where(int(division.positions[split][held])), source.where(int(division.positions["train"][known])))
        for split in twins
        for held, known in twins[split].pairs
    ]
    return Lookalikes(
        **{split: found.count for split, found in twins.items()},
        plain=sum(int((~is_telling(looks[split].signatures)).sum()) for split in twins),
        examples=names[-EXAMPLES:],
    )
