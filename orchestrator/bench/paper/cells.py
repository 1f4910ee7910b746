"""A cell on disk: cell.json in its folder says under which conditions it was measured, and what it came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.bench.paper.measured import Measured
from orchestrator.run_folder import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.bench.paper.plan import Cell

FILE = "cell.json"


@dataclass(frozen=True)
class Failed:
    """A cell that could not be measured, though nothing was wrong with its system: it is tried again."""

    sentence: str


Found: TypeAlias = Measured | Failed | None
"""What became of a cell; None: it was not begun, or not brought to an end."""


def read_cell(folder: Path) -> Found:
    try:
        facts = json.loads((folder / FILE).read_bytes())
        return Failed(str(facts["failed"])) if "failed" in facts else Measured.read(facts["measured"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a damaged file is measured again: what it was made of lies beside it


def write_cell(folder: Path, cell: Cell, found: Measured | Failed) -> None:
    said = {"failed": found.sentence} if isinstance(found, Failed) else {"measured": found.facts()}
    write_json(folder / FILE, {**cell.conditions(), "seed": cell.seed, **said})
