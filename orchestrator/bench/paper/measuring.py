"""How a cell is measured: whose work each kind of system is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.bench.paper.automodel import run_automodel
from orchestrator.bench.paper.grid import PAPER, TINY
from orchestrator.bench.paper.tuned import tuned
from orchestrator.bench.paper.zero_shot import zero_shot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.bench.paper.grid import Grid
    from orchestrator.bench.paper.measured import Measured
    from orchestrator.bench.paper.plan import Cell
    from orchestrator.view import View
    from sandbox.base import Sandbox

GRIDS: Mapping[str, Grid] = {"paper": PAPER, "tiny": TINY}


def measure(cell: Cell, sandbox: Sandbox, view: View, folder: Path) -> Measured:
    """Measure a cell, going on with what an earlier process left in its folder.

    `sandbox`: its limits are proved already, once for all cells.

    Raises:
        AutoModelError: the machine, the dataset or the language model's server failed, and not the system.
        SandboxError: the sandbox failed.
    """
    match cell.system.by:
        case "run":
            return run_automodel(cell.settings, sandbox, view, folder)
        case "script":
            return zero_shot(cell.settings, sandbox, view, folder)
        case method:
            return tuned(method, cell.settings, sandbox, view, folder, GRIDS[cell.scale])
