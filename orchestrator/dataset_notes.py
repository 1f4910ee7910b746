"""What a person has to know about a dataset before believing what comes of it, in whole sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.dataset_profile import lookalike_notes, telling_notes
from orchestrator.directions import direction_notes
from orchestrator.named_datasets import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dataset import Facts, SplitName


def dataset_notes(facts: Facts) -> list[str]:
    """What was left out, copies, leaks, suspicions, what to leave alone, rows of a submission; empty at best."""
    return [
        *_left_out(facts),
        *_copies(facts),
        *leaks(facts),
        *lookalike_notes(facts, named=True),
        *telling_notes(facts),
        *_seen_before(facts),
        *direction_notes(facts.classes, facts.description),
        *(facts.unlabelled.notes if facts.unlabelled else ()),
    ]


def leaks(facts: Facts) -> list[str]:
    """A warning for each held-back split with images that were also learnt from or chosen on."""
    return [
        *_leak(facts, "validation", facts.duplicates.validation, "training"),
        *_leak(facts, "test", facts.duplicates.test, "training or validation"),
        *_parted(facts),
    ]


def _leak(facts: Facts, split: SplitName, count: int, others: str) -> Iterator[str]:
    if count:
        yield (
            f"Warning: {count} of {facts.splits[split].images} {split} images are also among the {others} images, "
            "pixel for pixel: on them accuracy measures memory, not skill. Remove them from one side and run again."
        )


def _parted(facts: Facts) -> Iterator[str]:
    counts: dict[SplitName, int] = (
        {"validation": facts.groups.validation, "test": facts.groups.test} if facts.groups else {}
    )
    for split, count in counts.items():
        if count:
            yield (
                f"Warning: {count} of {facts.splits[split].images} {split} images are of groups that were also learnt "
                "from or chosen on, as the dataset itself divides them: accuracy on them says little of new groups. "
                "Leave its splits away, and they are made by whole groups."
            )


def _left_out(facts: Facts) -> Iterator[str]:
    reasons = ("not_images", "links", "hidden", "not_named")
    files, links, hidden, unnamed = (facts.skipped.get(reason, 0) for reason in reasons)
    told = ", ".join(f"{count} {extension}" for extension, count in facts.skipped_extensions.items())
    parts = [
        f"{_count(files, 'file')} of other kinds{f' ({told})' if told else ''}" if files else "",
        f"{_count(links, 'link')} to folders or out of the dataset" if links else "",
        f"{_count(unnamed, 'image')} that no row of the table names" if unnamed else "",
        _count(hidden, "hidden entry", "hidden entries") if hidden else "",
    ]
    if any(parts):
        yield f"Left out: {', '.join(filter(None, parts))}."


def _copies(facts: Facts) -> Iterator[str]:
    if count := facts.duplicates.within_train:
        yield f"{_count(count, 'training image is a copy', 'training images are copies')} of another."


def _seen_before(facts: Facts) -> Iterator[str]:
    """Of a folder nobody knows it; its name ends in digits that no known name has."""
    if facts.name in NAMED and (told := NAMED[facts.name].contamination):
        yield f"Pretrained weights: {told}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
