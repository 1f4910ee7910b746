"""Opening a dataset that was prepared before: every file is looked at again, and none is read."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from orchestrator.prepare import open_dataset
from orchestrator.settings import read_settings
from orchestrator.setup import open_sandbox
from tests.bench.figures import Figure
from tests.bench.samples import write_small_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

SECOND = 1.0
"""Target."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    write_small_files(folder / "images", sizes.unchanged)
    settings = read_settings({"dataset": str(folder / "images"), "datasets_dir": str(folder / "datasets")})
    with closing(open_sandbox(settings, print)) as sandbox:
        first, *others = (_seconds(lambda: open_dataset(settings, sandbox)) for _ in range(1 + sizes.starts))
    yield Figure(name=f"{sizes.unchanged:,} files: the first time", values=(first,), unit="s")
    yield Figure(name="the next times", values=tuple(others), unit="s", at_most=SECOND)


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
