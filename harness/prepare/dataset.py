"""A source becomes a dataset on disk: survey, divide, write, record."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness.images import open_images
from harness.prepare.contact import SHEET, write_sheet
from harness.prepare.numbering import AllImages
from harness.prepare.parallel import refuse_unreadable
from harness.prepare.profile import make_profile
from harness.prepare.record import (
    Groups,
    Record,
    SplitRecord,
    UnlabelledRecord,
    count_duplicates,
    count_groups,
    moments,
)
from harness.prepare.splits import divide
from harness.prepare.survey import survey
from harness.prepare.writing import MEASURED, Tally, convert, write, write_array, write_images, write_rows
from harness.sources.source import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.prepare.parallel import Unreadable
    from harness.prepare.pixels import Stored
    from harness.prepare.profile import Profile
    from harness.prepare.progress import Progress
    from harness.prepare.splits import Division, Positions
    from harness.prepare.survey import Survey
    from harness.sources.source import Source

HIDDEN = "hidden"
"""The folder of labels that no container ever sees."""
UNLABELLED = "unlabelled"
"""The folder of test images without labels; it is there where such images are."""
ROWS = f"{HIDDEN}/unlabelled.csv"
"""The rows of their submission: of an image its name alone, which may tell more than pixels do."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the host asks for."""

    name: str
    source: str
    description: str
    """Empty: the source's own."""
    licence: str
    """Where the source has none."""
    fingerprint: str
    seed: int
    max_side: int


def prepare(source: Source, out: Path, order: Order, progress: Progress) -> None:
    """Make the whole dataset in this empty folder. `dataset.json` comes last: a folder without it is nothing.

    Raises:
        UnusableDatasetError: the source cannot become a dataset.
    """
    Image.MAX_IMAGE_PIXELS = None  # the survey refuses such images itself, and names the file
    seen, each = survey(source, order.max_side, progress)
    division = divide(source, each.digests, order.seed)
    telling = each.properties.telling(division.positions["train"], source.labels, source.classes)
    del each
    _make_folders(out, unlabelled=source.unlabelled is not None)
    written = _write_splits(source, seen, division, out, progress)
    progress.tell("looking for images that are nearly the same")
    profile = make_profile(source, division, seen, written.tallies, out, telling=telling)
    record = _record(source, order, seen, division, written, profile=profile)
    del written  # or what was noted of each image would be there together with the sheet
    labels = source.labels.astype(np.min_scalar_type(len(source.classes)))[division.positions["train"]]
    write_sheet(out / SHEET, open_images(out / "train", seen.plan.channels), labels, source.classes)
    write(out / "dataset.json.new", [record.dump()])
    (out / "dataset.json.new").replace(out / "dataset.json")


@dataclass(frozen=True)
class _Written:
    tallies: dict[str, Tally]
    checksums: dict[str, str]


def _make_folders(out: Path, *, unlabelled: bool) -> None:
    for name in ("", *SPLITS, *([UNLABELLED] if unlabelled else [])):
        (out / name).mkdir(exist_ok=True)
        (out / name).chmod(0o755)  # the mounts are read by another user
    (out / HIDDEN).mkdir(mode=0o700)


def _write_splits(source: Source, seen: Survey, division: Division, out: Path, progress: Progress) -> _Written:
    images = AllImages(source)
    order = chain(*(division.positions[split] for split in SPLITS), range(images.labelled, len(images)))
    measured = len(division.positions["train"])
    if seen.plan.form == "encoded":
        measured = min(measured, MEASURED)
    results = progress.count(convert(images, map(int, order), seen.plan, measured), "preparing", len(images))
    written = _Written({}, {})
    for split in SPLITS:
        positions = division.positions[split]
        _write_images(results, len(positions), out / split, seen, written)
        labels = f"{split}/labels.npy" if split == "train" else f"{HIDDEN}/{split}.npy"
        written.checksums[labels] = write_array(out / labels, source.labels[positions])
    if source.unlabelled:
        _write_images(results, len(source.unlabelled), out / UNLABELLED, seen, written)
        written.checksums[ROWS] = write_rows(out / ROWS, source.unlabelled.rows())
    unreadable = [image for tally in written.tallies.values() for image in tally.unreadable]
    if unreadable:
        refuse_unreadable(unreadable)
    return written


def _write_images(
    results: Iterator[Stored | Unreadable], count: int, folder: Path, seen: Survey, written: _Written
) -> None:
    written.tallies[folder.name] = tally = Tally(count)
    shape = None if seen.array_shape is None else (count, *seen.array_shape)
    checksums = write_images(folder, shape, tally.take(islice(results, count)))
    written.checksums.update({f"{folder.name}/{name}": checksum for name, checksum in checksums.items()})


def _record(  # noqa: PLR0913 - everything that was learnt, once
    source: Source, order: Order, seen: Survey, division: Division, written: _Written, *, profile: Profile
) -> Record:
    mean, std = moments(written.tallies["train"].histogram)
    return Record(
        name=order.name,
        source=order.source,
        description=order.description or source.description,
        licence=source.licence or order.licence,
        classes=list(source.classes),
        channels=seen.plan.channels,
        image_size=seen.image_size,
        sizes=seen.summary(),
        form=seen.plan.form,
        max_side=order.max_side,
        ceiling=seen.plan.ceiling,
        seed=order.seed,
        split_rule=division.rule,
        splits={split: _split_record(source, division.positions[split]) for split in SPLITS},
        mean=mean,
        std=std,
        skipped=source.skipped,
        skipped_extensions=source.skipped_extensions,
        duplicates=count_duplicates(*(written.tallies[split].digests for split in SPLITS)),
        groups=_groups(source, division),
        unlabelled=None if source.unlabelled is None else UnlabelledRecord.of(source.unlabelled),
        profile=profile,
        fingerprint=order.fingerprint,
        checksums=written.checksums,
    )


def _groups(source: Source, division: Division) -> Groups | None:
    if source.groups is None:
        return None
    groups = source.groups.astype(np.uint64)
    return count_groups(*(groups[division.positions[split]] for split in SPLITS))


def _split_record(source: Source, positions: Positions) -> SplitRecord:
    counts = np.bincount(source.labels[positions], minlength=len(source.classes))
    return SplitRecord(images=len(positions), counts=counts.tolist())
