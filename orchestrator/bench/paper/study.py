"""The study: each cell is measured once, fails alone, and is where it was left when the next command comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.bench.paper.cells import Failed, read_cell, write_cell
from orchestrator.bench.paper.measured import Measured
from orchestrator.errors import AutoModelError, DatasetError
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orchestrator.bench.paper.plan import Cell


@dataclass(kw_only=True)
class Study:
    """What is measured in a folder."""

    folder: Path
    measure: Callable[[Cell, Path], Measured]
    """In the cell's own folder, going on with what an interrupted process left there."""
    say: Callable[[str], None]
    _unusable: dict[str, str] = field(default_factory=dict)
    """Datasets that could not be prepared, and why: trying again for each cell would download again."""

    def run(self, cells: Sequence[Cell]) -> None:
        """Measure what can be measured, and is not yet."""
        wanted = [cell for cell in cells if not cell.lacks]
        for number, cell in enumerate(wanted, start=1):
            folder = cell.folder(self.folder)
            if isinstance(read_cell(folder), Measured):
                continue
            self.say(f"\nCell {number} of {len(wanted)}: {cell.system.key} on {cell.origin.given}, seed {cell.seed}")
            folder.mkdir(parents=True, exist_ok=True)
            found = self._try(cell, folder)
            write_cell(folder, cell, found)
            self.say(_told(found))

    def _try(self, cell: Cell, folder: Path) -> Measured | Failed:
        if known := self._unusable.get(cell.origin.given):
            return Failed(known)
        try:
            return self.measure(cell, folder)
        except DatasetError as error:
            self._unusable[cell.origin.given] = str(error)
            return Failed(str(error))
        except (AutoModelError, SandboxError, OSError) as error:
            return Failed(str(error))


def _told(found: Measured | Failed) -> str:
    if isinstance(found, Failed):
        return f"This cell failed, and the next command tries it again: {found.sentence}"
    return f"Test accuracy {found.test.accuracy:.4f}" if found.test else f"Nothing to score: {found.problem}"
