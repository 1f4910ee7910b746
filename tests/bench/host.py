"""The host process: what stays resident while a run goes on, and how fast the command line answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import programs
from tests.bench.figures import MB, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes

AUTOMODEL = Path(sys.executable).with_name("automodel")
RUN = {"DATASET": "digits", "RUN_ITERATIONS": "1", "RUN_FINALS": "0", "RUN_FIT_MINUTES": "0.1"}
FOLDERS = {"DATASETS_DIR": "datasets", "RUNS_DIR": "runs", "WEIGHTS_DIR": "weights"}
PEAK, ANSWER = 150, 0.3
"""Targets: MB; seconds."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure]:
    helps = [programs.run([AUTOMODEL, "--help"]) for _ in range(sizes.starts)]
    seconds = tuple(ran.seconds for ran in helps)
    yield Figure(name="automodel --help: time", values=seconds, unit="s", at_most=ANSWER)
    yield Figure(name="automodel --help: peak memory", values=tuple(ran.peak / MB for ran in helps), unit="MB")
    folder.mkdir()
    ran = programs.run([AUTOMODEL, "run"], RUN | FOLDERS, folder)
    yield Figure(name="automodel run, digits: peak memory", values=(ran.peak / MB,), unit="MB", at_most=PEAK)
