"""`harness.prepare` as a plain process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.bench import programs

if TYPE_CHECKING:
    from pathlib import Path


def prepare(source: Path, out: Path) -> programs.Ran:
    """Prepare a folder of images."""
    program = [sys.executable, "-P", "-m", "harness.prepare"]
    return programs.run([*program, "--source", source, "--name", out.name, "--out", out])
