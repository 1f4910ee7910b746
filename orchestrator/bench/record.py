"""What was measured of each fault, on disk: one line each, so that a study goes on where it was stopped."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from orchestrator.errors import AutoModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.bench.known import Where

LINES = "measured.jsonl"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One fault."""

    key: str
    """Of the fault."""
    kind: str
    culprit: str
    """Whose it is; empty for a good pipeline."""
    under: str
    """A checksum of the pipeline, and of all that the result depends on."""
    where: Where
    blamed: str
    """On whom it was blamed; empty: on nobody."""
    seconds: float
    """Of containers, until it was known; where it was missed, all of them."""
    wall: float
    """Seconds of the whole."""
    accuracy: float | None
    """On validation images, where it trained."""
    said: str
    repaired: int | None = None
    """The try at which the team mended it."""
    tries: int = 0
    """That the team had."""

    @property
    def good(self) -> bool:
        """Whether there is no fault in it."""
        return not self.culprit


class Records:
    """The file of a study."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LINES
        self._known = {record.key: record for record in _read(self._path)}

    def find(self, key: str, under: str) -> Measured | None:
        """What was measured under the same conditions."""
        record = self._known.get(key)
        return record if record and record.under == under else None

    def add(self, record: Measured) -> None:
        self._known[record.key] = record
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")


def _read(path: Path) -> list[Measured]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    try:
        return [Measured(**json.loads(line)) for line in lines]
    except (ValueError, TypeError):
        raise AutoModelError(
            f"{path} is damaged or of another version: remove it, and the study begins anew."
        ) from None


def write_csv(path: Path, records: Sequence[Measured]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Measured)])
        writer.writeheader()
        writer.writerows(asdict(record) for record in records)
