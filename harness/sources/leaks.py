"""Columns of a table, beside file and label, that tell the label: each of their values goes with one class.

They are not used for training. They are told because what they say may show in the pictures too: a code burnt into an
X-ray, a site with its own camera. Not covered: numbers that tell the label by a threshold.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.sources.rows import read_rows
from harness.sources.source import SPLIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.sources.rows import Row
    from harness.sources.table import Plan

MOST_COLUMNS = 100
MOST_PAIRS = 2000
"""Different pairs of value and label, beyond which a column is given up."""
SURE = 0.95
"""Share of the most frequent label's errors that a column has to take away."""
REPEATED = 5
"""Rows of each value, on average: where they are fewer, a column names images, not classes."""


@runtime_checkable
class Tabular(Protocol):
    """A source whose table may have columns that tell the label."""

    @property
    def telling_columns(self) -> tuple[str, ...]: ...


def telling_columns(plans: Mapping[Path, Plan]) -> tuple[str, ...]:
    """Of these tables, the columns that tell the label of training images.

    Raises:
        UnusableDatasetError: a table is broken.
    """
    known = {
        column for plan in plans.values() for column in (plan.file, plan.label, *plan.classes, plan.split, plan.group)
    }
    return tell(_labelled(plans), known)


def _labelled(plans: Mapping[Path, Plan]) -> Iterator[tuple[Row, str]]:
    for path, plan in plans.items():
        for row in read_rows(path):
            split = (row.get(plan.split, "") if plan.split else path.stem).strip().casefold()
            if SPLIT_NAMES.get(split, "train") == "train" and (label := plan.label_of(row)):
                yield row, label


def tell(rows: Iterable[tuple[Row, str]], known: Iterable[str]) -> tuple[str, ...]:
    """Of rows with their labels, the columns that tell them, beside those that are `known` to be something else."""
    labels: Counter[str] = Counter()
    pairs: dict[str, Counter[tuple[int, str]]] = {}
    given_up = set(known)
    for row, label in rows:
        labels[label] += 1
        for column, value in row.items():
            if column in given_up or (column not in pairs and len(pairs) == MOST_COLUMNS) or not value.strip():
                continue
            seen = pairs.setdefault(column, Counter())
            seen[hash(value.strip()), label] += 1  # a value may be long
            if len(seen) > MOST_PAIRS:
                given_up.add(column)
    return tuple(column for column, seen in pairs.items() if column not in given_up and _tells(seen, labels))


def _tells(seen: Counter[tuple[int, str]], labels: Counter[str]) -> bool:
    """Whether naming the most frequent label of each value is right nearly always; a missing value is an error."""
    best: dict[int, int] = {}
    for (value, _), count in seen.items():
        best[value] = max(best.get(value, 0), count)
    rows, most = labels.total(), max(labels.values())
    errors = rows - sum(best.values())
    return rows >= REPEATED * len(best) and errors <= (1 - SURE) * (rows - most) and most < rows
