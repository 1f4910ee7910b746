"""The harness as the sandbox starts it: a program that waits for `go`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.report import Report
from tests.harness_jobs import pipeline, write_job

pytestmark = pytest.mark.torch


def test_the_program_waits_for_go_then_does_its_job(tmp_path: Path) -> None:
    folder = write_job(tmp_path / "job", pipeline())
    (folder / "input" / "go").unlink()
    program = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness", "fit", "--root", str(folder)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    time.sleep(0.1)
    waiting = program.poll() is None
    (folder / "input" / "go").touch()

    assert waiting
    assert program.wait(timeout=300) == 0
    assert Report.parse((folder / "out" / "report.json").read_bytes()).curve
