"""What a study leaves for people: repair.md, and repair.csv with a line for each fault."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from orchestrator.bench.figures import HEAD, rows, sentences
from orchestrator.bench.record import write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.bench.record import Measured

WIDE = 400
"""Columns: no cell is wrapped."""
NOTE = (
    "static: refused before a container; check: in the first seconds of one; later: in `fit` or `predict`; verdict: by "
    "what the host says of a finished training. Seconds are of containers, until the fault was known; blamed: on the "
    "engineer whose file has it."
)


def write_tables(folder: Path, measured: Sequence[Measured], conditions: str) -> str:
    """Write them; return what repair.md says."""
    faults, good = ([each for each in measured if each.good is wanted] for wanted in (False, True))
    lines = [f"- {sentence}" for sentence in sentences(faults, good)]
    text = "\n".join(
        [f"# Crash study: {len(faults)} faults", "", conditions, "", _table(rows(faults)), NOTE, "", *lines, ""]
    )
    (folder / "repair.md").write_text(text, encoding="utf-8")
    write_csv(folder / "repair.csv", measured)
    return text


def _table(rows: Sequence[Sequence[str]]) -> str:
    table = Table(*HEAD, box=MARKDOWN)
    for row in rows:
        table.add_row(*row)
    console = Console(file=io.StringIO(), width=WIDE, color_system=None)
    console.print(table)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.strip() for line in file.getvalue().strip().splitlines()) + "\n"
