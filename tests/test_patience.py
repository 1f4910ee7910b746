"""A quick step has its own time: to wait for a processor does not count, to sleep does."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from harness.patience import Patience, seconds_waited
from harness.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

SPIN = "while True: pass"
GONE = 2**22 + 1
"""No process has such an id."""


def test_the_limit_of_a_quick_step_begins_with_it_and_another_step_has_none(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        patience = Patience(progress, 8)
        assert patience.deadline(os.getpid()) == math.inf

        before = time.monotonic()
        progress.hear(b'{"step": "import data", "owner": "data", "quick": true}')
        assert before + 8 <= patience.deadline(GONE) <= time.monotonic() + 8

        progress.hear(b'{"step": "build the model", "owner": "model", "quick": false}')
        assert patience.deadline(GONE) == math.inf


def test_the_limit_moves_by_what_a_process_waits_for_a_processor(tmp_path: Path) -> None:
    one = {min(os.sched_getaffinity(0))}
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(3)]
    try:
        for process in busy:
            os.sched_setaffinity(process.pid, one)
        with closing(Progress(tmp_path)) as progress:
            patience = Patience(progress, 8)
            progress.hear(b'{"step": "import data", "owner": "data", "quick": true}')
            before, waited = patience.deadline(busy[0].pid), seconds_waited(busy[0].pid)
            while seconds_waited(busy[0].pid) < waited + 0.2:
                time.sleep(0.05)
            after = patience.deadline(busy[0].pid)
    finally:
        for process in busy:
            process.kill()
            process.wait()

    assert after >= before + 0.19


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    assert seconds_waited(GONE) == 0
